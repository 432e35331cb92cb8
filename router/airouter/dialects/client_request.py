"""Requests whose provider speaks the client's own dialect: edited only where they must be.

The body is split into its top-level fields without decoding their values (RFC 8259), so fields that
the router does not know survive to the byte, and a field that is given twice reaches the provider
once, as it is read here. `reserved_fields.py` says which fields are left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec.structs import replace

from airouter.dialects.conversation import Conversation, Media
from airouter.dialects.escapes import with_whole_characters
from airouter.dialects.joining.joined_answer import JoinedAnswer
from airouter.dialects.reserved_fields import READ_OR_SET, ReservedFields
from airouter.dialects.spelling import with_words_bare
from airouter.failures import (
    Failure,
    invalid_field,
    too_many_values,
    too_much_text,
    unreadable_json,
)
from airouter.untrusted import UNREADABLE, decoded_or_none, has_more_than, wide_text

if TYPE_CHECKING:
    from airouter.config.snapshot import Parameters

Fields = dict[str, msgspec.Raw]
Envelope = Mapping[str, msgspec.Raw | None]
"""Fields that another cloud wants in a body; None for one that it must not have."""

Words = Mapping[str, str | None]
NO_WORDS: Words = {}
T = TypeVar("T")

_fields = msgspec.json.Decoder(Fields)
_list = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_encoder = msgspec.json.Encoder()

FAULT = re.compile(r"JSON is malformed: (?P<what>.*) \(byte (?P<at>\d+)\)")
MOST_VALUES = 500_000
"""Values in a large body, of which an object counts for three and a field for two more: no model
takes a prompt of more, and each takes memory and time. 55,000 short messages are as many."""
MOST_WIDE = 16_777_216
"""Bytes of its text that is not all ASCII, which takes eight times as much while it is translated;
files are ASCII."""
MOST_FIELDS = 1_000
"""Fields at its top: no API has a tenth of that."""
INCLUDE_USAGE = msgspec.Raw(b'{"include_usage":true}')
ONLY_USAGE = frozenset({b"null", bytes(INCLUDE_USAGE)})
"""Stream options that are the same as `INCLUDE_USAGE`, once the usage is asked for."""
TOOL = "tools."
"""Begins the name of one tool among the fields to drop, which its type ends."""
OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
"""Fields that are refused where there is no tool."""
USAGE_OPTION = ReservedFields({"include_usage"})


class Typed(msgspec.Struct):
    """A tool, or the choice of one, of which only the type is read."""

    type: str = ""


class ClientRequest(msgspec.Struct, eq=False):
    """A body with the fields that routing needs; the rest of it stays as it came."""

    body: bytes
    fields: Fields
    model: str
    stream: bool
    include_usage: bool = False
    """True where the client itself asked for the usage at the end of a stream."""
    answer_id: str | None = None
    """The id that the answer shall have, where the router gives it."""
    envelope: Envelope = {}
    """Fields that replace the client's, for a provider of the same dialect."""
    credential: str = ""
    """The name of the credential that answers."""
    answered_by: str = ""
    """The provider's name of the model that answered, where a translation has read it."""
    rename: Callable[[str, bytes], bytes] | None = None
    """Gives the ids in an answer of the same dialect a form that names the credential."""
    tool_names: Mapping[bytes, bytes] | None = None
    """The client's names of tools, as JSON, by those in a request of the same dialect."""
    seal: Callable[[bytes], bytes] | None = None
    """Seals the reasoning that is packed in a translated answer."""
    version: str = ""
    """The version of the API that the client speaks, where its dialect has several."""
    betas: str = ""
    """Betas of Anthropic's, as the header names them."""
    conversations: dict[Edits, Conversation] = {}
    """The request as a conversation, once for each model's parameters; kept by translations."""
    frames: Mapping[Edits, Conversation] = {}
    """The conversations without their turns, of a large request that was encoded."""
    fetched: dict[str, Media] = {}
    """The content of its URLs, where a provider wants that as bytes."""
    joined: JoinedAnswer | None = None
    """The answer that several streams may make, where one that breaks is gone on with."""

    def say(self, fields: Fields) -> None:
        """Take other fields, all of them as they stand in the new body: they are no copies."""
        self.body = _encoder.encode(fields)
        self.fields = _fields.decode(self.body)

    def forget_turns(self) -> None:
        """Keep no more of the conversations than answers need: `frames`."""
        known = self.conversations
        frames = {edits: replace(each, turns=()) for edits, each in known.items()}
        self.conversations, self.frames = {}, {**self.frames, **frames}


_typed = msgspec.json.Decoder(Typed)


class Edits:
    """The `parameters` of a model, encoded once."""

    __slots__ = ("defaults", "drop", "dropped_tools", "override", "reserved")

    def __init__(self, parameters: Parameters) -> None:
        self.defaults = raw_fields(parameters.defaults)
        self.override = raw_fields(parameters.override)
        self.drop = tuple(name for name in parameters.drop if not name.startswith(TOOL))
        self.dropped_tools = dropped_tools(parameters.drop)
        self.reserved = ReservedFields({*READ_OR_SET, *self.defaults, *self.override, *self.drop})

    def __bool__(self) -> bool:
        return bool(self.defaults or self.override or self.drop or self.dropped_tools)


def parse_client_request(body: bytes) -> ClientRequest:
    """Return a client's body as a request. Raises `Failure` 400."""
    body = with_words_bare(body)
    try:
        fields = _fields.decode(body)
    except UNREADABLE as error:
        whole = with_whole_characters(body)
        if whole is None:
            raise unreadable_json(why_unreadable(error, body)) from None
        return parse_client_request(whole)
    stream = "stream" in fields and flag(fields, "stream")
    request = ClientRequest(body, fields, model_of(fields), stream=stream)
    request.include_usage = stream and wants_usage(fields)
    return request


def check_large(body: bytes | bytearray) -> None:
    """Refuse what would take too much memory once it is decoded. Raises `Failure` 400."""
    if has_more_than(body, MOST_VALUES, MOST_FIELDS):
        raise too_many_values(MOST_VALUES, MOST_FIELDS)
    if len(body) > MOST_WIDE and wide_text(body) > MOST_WIDE:
        raise too_much_text(MOST_WIDE)


def parse_large_request(body: bytes) -> ClientRequest:
    """Return a large body as a request. Raises `Failure` 400, also for one of too much."""
    check_large(body)
    return parse_client_request(body)


def render_passthrough(
    request: ClientRequest, upstream_name: msgspec.Raw, edits: Edits, words: Words = NO_WORDS
) -> bytes:
    """Return the body for a provider that knows the model as `upstream_name` (a JSON string).

    A stream is asked for its usage; `chat/usage.py` hides that from a client who did not want it.
    `words` are as `UpstreamApi` has them.
    """
    fields = with_defaults(request, edits)
    fields["model"] = upstream_name
    if request.stream:
        fields["stream_options"] = with_usage(fields.get("stream_options"))
    if words:
        reword(fields, words)
    return _encoder.encode(overridden(fields, edits))


def reword(fields: dict[str, T], words: Words) -> None:
    """Give fields the provider's own names, and take out those that it refuses."""
    for name, theirs in words.items():
        if name not in fields:
            continue
        value = fields.pop(name)
        if theirs is not None:
            fields.setdefault(theirs, value)


def edited(request: ClientRequest, edits: Edits) -> bytes:
    """Return the client's own body with the parameters of a model."""
    return _encoder.encode(edited_fields(request, edits)) if edits else request.body


def enveloped(body: bytes, envelope: Envelope) -> bytes:
    """Return a body in an envelope: with its fields, and without those it forbids."""
    return encoded_around(_fields.decode(body), envelope)


def encoded_around(fields: Fields, envelope: Envelope) -> bytes:
    """Return fields as a body in an envelope."""
    for name, value in envelope.items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = value
    return _encoder.encode(fields)


def edited_fields(request: ClientRequest, edits: Edits) -> Fields:
    """Return a request's fields with the parameters of a model."""
    return overridden(with_defaults(request, edits), edits)


def with_defaults(request: ClientRequest, edits: Edits) -> Fields:
    """Return a request's fields but for lookalikes, with a model's defaults for absent ones."""
    fields = request.fields.copy()
    edits.reserved.remove_lookalikes(fields)
    return edits.defaults | fields if edits.defaults else fields


def overridden(fields: Fields, edits: Edits) -> Fields:
    """Return the fields with those that the model dictates, and without those that it drops."""
    fields.update(edits.override)
    for name in edits.drop:
        fields.pop(name, None)
    if edits.dropped_tools:
        drop_tools(fields, edits.dropped_tools)
    return fields


def dropped_tools(drop: Sequence[str]) -> frozenset[str]:
    """Return the types of tools among the fields to drop."""
    return frozenset(name.removeprefix(TOOL) for name in drop if name.startswith(TOOL))


def drop_tools(fields: Fields, types: AbstractSet[str]) -> None:
    """Take tools of some types out of a request, and what says that one must be called."""
    tools = decoded_or_none(_list, fields.get("tools", msgspec.Raw(b"")))
    if tools is None:
        return
    kept = [tool for tool in tools if type_in(tool) not in types]
    if not kept:
        for name in OF_TOOLS:
            fields.pop(name, None)
        return
    fields["tools"] = msgspec.Raw(_encoder.encode(kept))
    if type_in(fields.get("tool_choice", msgspec.Raw(b""))) in types:
        del fields["tool_choice"]


def type_in(value: msgspec.Raw) -> str:
    """Return the type of a tool; empty where it says none."""
    found = decoded_or_none(_typed, value)
    return "" if found is None else found.type


def model_of(fields: Fields) -> str:
    """Return the model that a body asks for. Raises `Failure` 400."""
    raw = fields.get("model")
    if raw is None:
        raise Failure(400, "You must provide a model parameter.", param="model")
    model = decoded_or_none(_string, raw)
    if not model:
        raise invalid_field("model", "'model' must be the name of a model, as a string.")
    return model


def flag(fields: Fields, name: str) -> bool:
    """Return a boolean field; absent and null are false. Raises `Failure` 400."""
    raw = fields.get(name)
    if raw is None:
        return False
    text = bytes(raw)  # without white space around it: no decoder is needed
    if text not in {b"true", b"false", b"null"}:
        raise invalid_field(name, f"'{name}' must be true or false.")
    return text == b"true"


def wants_usage(fields: Fields) -> bool:
    """Return `stream_options.include_usage`; absent is false. Raises `Failure` 400."""
    raw = fields.get("stream_options")
    if raw is None or (text := bytes(raw)) == b"null":
        return False
    if text in ONLY_USAGE:  # as most clients' libraries write it
        return True
    options = decoded_or_none(_fields, raw)
    if options is None:
        raise invalid_field("stream_options", "'stream_options' must be an object.")
    return flag(options, "include_usage")


def with_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    """Return stream options that ask for usage, with the client's other options."""
    if options is None or bytes(options) in ONLY_USAGE:
        return INCLUDE_USAGE
    kept = _fields.decode(options)
    USAGE_OPTION.remove_lookalikes(kept)
    kept["include_usage"] = msgspec.Raw(b"true")
    return msgspec.Raw(_encoder.encode(kept))


def raw_fields(fields: dict[str, Any]) -> Fields:
    """Return fields encoded, as they stand in a body."""
    return {name: msgspec.Raw(_encoder.encode(field)) for name, field in fields.items()}


def why_unreadable(error: Exception, body: bytes) -> str:
    """Return a body's fault and its place, as the decoder told them: it is not parsed again."""
    if not body:
        return "it is empty"
    if isinstance(error, msgspec.ValidationError):
        return "it is not an object"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    try:
        body.decode()
    except UnicodeDecodeError as found:
        return f"byte {found.start} is not UTF-8"
    told = FAULT.fullmatch(str(error))
    what, at = (told["what"], int(told["at"])) if told else ("it ends too early", len(body))
    before = body[body.rfind(b"\n", 0, at) + 1 : at]
    line, column = body.count(b"\n", 0, at) + 1, len(before.decode(errors="replace")) + 1
    return f"{what} at line {line}, column {column}"
