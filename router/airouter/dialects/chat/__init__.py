"""OpenAI's Chat Completions, as clients and as providers speak them."""

from dataclasses import replace

from airouter.dialects.chat.mistral import render_mistral
from airouter.dialects.chat.parse_request import parse_request
from airouter.dialects.chat.parse_response import parse_response
from airouter.dialects.chat.parse_stream import Parser
from airouter.dialects.chat.render_compatible import render_compatible
from airouter.dialects.chat.render_request import fetches, render_request
from airouter.dialects.chat.render_response import render_response
from airouter.dialects.chat.render_stream import Renderer
from airouter.dialects.dialect import ClientDialect, UpstreamDialect
from airouter.dialects.framing import ServerSentEvents

CLIENT = ClientDialect(
    name="chat",
    parse_request=parse_request,
    render_response=render_response,
    stream_renderer=Renderer,
    fields={
        "turns": "messages",
        "max_tokens": "max_completion_tokens",
        "thinking": "reasoning_effort",
        "format": "response_format",
    },
)

UPSTREAM = UpstreamDialect(
    name="chat",
    render_request=render_request,
    parse_response=parse_response,
    framing=ServerSentEvents,
    stream_parser=Parser,
    fetches=fetches,
)

COMPATIBLE = replace(UPSTREAM, render_request=render_compatible)
"""The dialect of servers that know fewer words than OpenAI."""

MISTRAL = replace(UPSTREAM, render_request=render_mistral)
"""The dialect of Mistral's own service."""
