"""Gemini's `generateContent`, as Google's two services speak it."""

import re

from airouter.dialects.dialect import UpstreamDialect
from airouter.dialects.framing import ServerSentEvents
from airouter.dialects.gemini.parse_response import parse_response
from airouter.dialects.gemini.parse_stream import Parser
from airouter.dialects.gemini.render_request import fetches, render_request, render_vertex

FUNCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")

UPSTREAM = UpstreamDialect(
    name="gemini",
    render_request=render_request,
    parse_response=parse_response,
    framing=ServerSentEvents,
    stream_parser=Parser,
    fetches=fetches,
    tool_names=FUNCTION_NAME,
)

VERTEX = UpstreamDialect(
    name="gemini",
    render_request=render_vertex,
    parse_response=parse_response,
    framing=ServerSentEvents,
    stream_parser=Parser,
    fetches=fetches,
    tool_names=FUNCTION_NAME,
)
