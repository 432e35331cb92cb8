"""Reads what a client asked its model for, from the fields of its request.

The fields of all APIs for clients are read alike: their names never mean two things. One of an odd
form is left out, as it is not for a trace to refuse it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec

from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Mapping

    Fields = Mapping[str, msgspec.Raw]

T = TypeVar("T")

LONGEST = 4_096
"""Bytes of a field that is read."""
LONGEST_TEXT = 256
"""Characters of a text that goes into a span."""
SESSION_HEADER = b"x-session-id"
COMPACTION = re.compile(rb'"type"\s*:\s*"compaction(?:_summary)?"')
"""An item that stands for a conversation which was made short."""


class ConversationField(msgspec.Struct):
    """`conversation`, where it is an object."""

    id: str


class Effort(msgspec.Struct):
    """`reasoning` of Responses, and `output_config` of Messages."""

    effort: str | None = None


class Form(msgspec.Struct):
    """The form of an answer, as `response_format` and `text.format` have it."""

    type: str = "text"


class TextField(msgspec.Struct):
    """`text` of Responses."""

    format: Form | None = None


_int = msgspec.json.Decoder(Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)])
_float = msgspec.json.Decoder(float)
_text = msgspec.json.Decoder(str)
_texts = msgspec.json.Decoder(str | list[str])
_conversation = msgspec.json.Decoder(str | ConversationField)
_effort = msgspec.json.Decoder(Effort)
_form = msgspec.json.Decoder(Form)
_text_field = msgspec.json.Decoder(TextField)


class Asked(msgspec.Struct, frozen=True):
    """A request's settings; None, or nothing, where it has none."""

    max_tokens: int | None = None
    choices: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    reasoning: str | None = None
    form: str | None = None
    """`text` or `json`."""
    conversation: str | None = None
    previous: str | None = None
    """The response that it goes on from."""
    compacted: bool = False
    """Whether it goes on from a conversation that was made short."""


def asked_in(fields: Fields, headers: Mapping[bytes, bytes]) -> Asked:
    """Return the settings of a request."""
    return Asked(
        max_tokens=field_of(
            fields, _int, "max_completion_tokens", "max_output_tokens", "max_tokens"
        ),
        choices=field_of(fields, _int, "n"),
        temperature=field_of(fields, _float, "temperature"),
        top_p=field_of(fields, _float, "top_p"),
        top_k=field_of(fields, _int, "top_k"),
        frequency_penalty=field_of(fields, _float, "frequency_penalty"),
        presence_penalty=field_of(fields, _float, "presence_penalty"),
        seed=field_of(fields, _int, "seed"),
        stop=stops_in(fields),
        reasoning=reasoning_in(fields),
        form=form_in(fields),
        conversation=conversation_in(fields, headers),
        previous=cut_text(field_of(fields, _text, "previous_response_id")),
        compacted="input" in fields and COMPACTION.search(fields["input"]) is not None,
    )


def field_of(fields: Fields, decoder: msgspec.json.Decoder[T], *names: str) -> T | None:
    """Return the first field of these names that is there and of the form that is expected."""
    for name in names:
        raw = fields.get(name)
        if raw is None or len(memoryview(raw)) > LONGEST:
            continue
        value = decoded_or_none(decoder, raw)
        if value is not None:
            return value
    return None


def stops_in(fields: Fields) -> tuple[str, ...]:
    """Return the texts at which the model is to stop."""
    found = field_of(fields, _texts, "stop", "stop_sequences")
    if found is None:
        return ()
    return tuple(each[:LONGEST_TEXT] for each in ([found] if isinstance(found, str) else found))


def reasoning_in(fields: Fields) -> str | None:
    """Return the level of reasoning, in the client's word for it."""
    plain = field_of(fields, _text, "reasoning_effort")
    if plain is None:
        held = field_of(fields, _effort, "reasoning", "output_config")
        plain = None if held is None else held.effort
    return cut_text(plain)


def form_in(fields: Fields) -> str | None:
    """Return the kind of text that is asked for, where the request says one."""
    form = field_of(fields, _form, "response_format")
    if form is None:
        text = field_of(fields, _text_field, "text")
        form = None if text is None else text.format
    if form is None:
        return None
    return "json" if form.type.startswith("json") else "text"


def conversation_in(fields: Fields, headers: Mapping[bytes, bytes]) -> str | None:
    """Return the name that the client itself gives its conversation."""
    found = field_of(fields, _conversation, "conversation")
    if isinstance(found, ConversationField):
        found = found.id
    return cut_text(found or headers.get(SESSION_HEADER, b"").decode("latin-1"))


def cut_text(text: str | None) -> str | None:
    """Return a text as a span may have it; None for an empty one."""
    return text[:LONGEST_TEXT] if text else None
