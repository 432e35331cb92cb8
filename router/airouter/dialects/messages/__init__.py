"""Anthropic's Messages, as clients and as providers speak them."""

import re
from dataclasses import replace

from airouter.dialects.claude import traits_of
from airouter.dialects.dialect import ClientDialect, UpstreamDialect
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.messages.counting import render_count
from airouter.dialects.messages.parse_request import (
    check_version,
    parse_count_request,
    parse_request,
)
from airouter.dialects.messages.parse_response import parse_response
from airouter.dialects.messages.parse_stream import Parser
from airouter.dialects.messages.render_request import render_request
from airouter.dialects.messages.render_response import render_response
from airouter.dialects.messages.render_stream import Renderer

CLIENT = ClientDialect(
    name="messages",
    parse_request=parse_request,
    render_response=render_response,
    stream_renderer=Renderer,
    check_version=check_version,
    fields={
        "turns": "messages",
        "stop": "stop_sequences",
        "format": "output_config.format",
        "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    },
)

UPSTREAM = UpstreamDialect(
    name="messages",
    render_request=render_request,
    parse_response=parse_response,
    framing=ServerSentEvents,
    stream_parser=Parser,
    tool_names=re.compile(r"[a-zA-Z0-9_-]{1,128}"),
    prefills=lambda model: traits_of(model).prefills,
)

COUNTER = replace(CLIENT, parse_request=parse_count_request)
COUNTED = replace(UPSTREAM, render_request=render_count)
"""The two dialects for a body whose tokens are to be counted."""
