"""AWS Bedrock's Converse, which speaks to every family of models there."""

from airouter.dialects.converse.framing import EventStream
from airouter.dialects.converse.models import traits_of
from airouter.dialects.converse.parse_response import parse_response
from airouter.dialects.converse.parse_stream import Parser
from airouter.dialects.converse.render_request import fetches, render_request
from airouter.dialects.dialect import UpstreamDialect

UPSTREAM = UpstreamDialect(
    name="converse",
    render_request=render_request,
    parse_response=parse_response,
    framing=EventStream,
    stream_parser=Parser,
    fetches=fetches,
    prefills=lambda model: traits_of(model).prefills,
)
