"""OpenAI's Responses, as clients speak them."""

from airouter.dialects.dialect import ClientDialect
from airouter.dialects.responses.parse_request import parse_request
from airouter.dialects.responses.render_response import render_response
from airouter.dialects.responses.render_stream import Renderer

CLIENT = ClientDialect(
    name="responses",
    parse_request=parse_request,
    render_response=render_response,
    stream_renderer=Renderer,
    fields={
        "turns": "input",
        "max_tokens": "max_output_tokens",
        "thinking": "reasoning",
        "format": "text.format",
        "logprobs": "top_logprobs",
    },
)
