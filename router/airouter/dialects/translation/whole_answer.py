"""A provider's whole answer that passes through, and the errors that stand in the place of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.chat.errors import failure_in
from airouter.dialects.chat.minimax import error_in_field
from airouter.dialects.conversation import Json
from airouter.dialects.translation.base import ClientAnswer
from airouter.interfaces import BrokenReply
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.dialects.conversation import Usage
    from airouter.failures import Failure

ERROR = re.compile(rb'"error"\s*(?::\s*[{"]|[,}])')
"""In a body that may be an error: as a field, or as the type of it all."""
ERROR_WORD = b'"error"'
NO_CHOICE = re.compile(rb'"choices"\s*:\s*(?:\[\s*\]|null)')
ABSENT = msgspec.Raw()
CHOICES, DATA, OUTPUT, CONTENT, COUNT = (
    b'"choices"',
    b'"data"',
    b'"output"',
    b'"content"',
    b'"input_tokens"',
)
"""The main fields of answers, as they stand in a body."""


def shows(body: bytes, field: bytes) -> bool:
    """Return whether a body seems to have its main field; whether one does that seems not, is read.

    The main fields of other APIs than chat may be nested in its answers.
    """
    at = body.find(CHOICES)
    if field == CHOICES:
        return at >= 0 and NO_CHOICE.match(body, at) is None
    return at < 0 and body.find(field) >= 0


def is_given(field: msgspec.Raw) -> bool:
    """Return True for a field that is there and not null; a large one is not copied for it."""
    size = memoryview(field).nbytes
    return size > len(b"null") or bytes(field) not in {b"", b"null"}


class WholeAnswer(msgspec.Struct):
    """A body of any API, as much of it as tells whether it is an answer."""

    object: Any = None
    status: Any = None
    error: Any = None
    message: Any = None
    code: Any = None
    base_resp: Any = None
    choices: msgspec.Raw = ABSENT
    data: msgspec.Raw = ABSENT
    output: msgspec.Raw = ABSENT
    content: msgspec.Raw = ABSENT
    input_tokens: msgspec.Raw = ABSENT

    def answers(self, fields: Sequence[bytes]) -> bool:
        """Return True for what has one of these main fields."""
        given = {
            DATA: self.data,
            OUTPUT: self.output,
            CONTENT: self.content,
            COUNT: self.input_tokens,
            CHOICES: ABSENT if self.chosen == [] else self.choices,
        }
        return any(is_given(given[field]) for field in fields)

    @property
    def chosen(self) -> list[FailedChoice] | None:
        """Return the choices; None where there are none that can be read."""
        return decoded_or_none(_choices, self.choices)

    def told_error(self, fields: Sequence[bytes]) -> Json | str | None:
        """Return the error in place of an answer, which has one of these main fields."""
        if self.error and isinstance(self.error, dict | str):
            return self.error
        if self.object == "error":
            return {"message": self.message, "code": self.code}
        if not self.answers(fields):
            return error_in_field(self.base_resp)
        errors = (each.error or each.reason for each in self.chosen or ())
        return next((error for error in errors if error), None)


class FailedChoice(msgspec.Struct):
    """A choice with (OpenRouter) an error in its place, or one as its reason to stop."""

    error: Json | str | None = None
    finish_reason: str | None = None

    @property
    def reason(self) -> Json | None:
        """Return the reason as an error, if it is one."""
        if self.finish_reason != "error":
            return None
        return {"message": "The model failed to answer: error.", "code": "error"}


_whole = msgspec.json.Decoder(WholeAnswer)
_choices = msgspec.json.Decoder(list[FailedChoice])


def answered(
    body: bytes,
    usage: Usage | None,
    fields: Sequence[bytes],
    failure_in: Callable[[Json | str], Failure] = failure_in,
) -> ClientAnswer:
    """Return a provider's answer as it is, which has one of these main fields.

    Raises `BrokenReply` for one that is none of its API, such as the page of a gateway with status
    200, and `Failure` for an error in the place of one. Only an answer without usage, or with an
    error somewhere in it, is looked at.
    """
    counts = usage is not None and shows(body, fields[0])
    if counts and (body.find(ERROR_WORD) < 0 or not ERROR.search(body)):
        return ClientAnswer(body, usage)
    try:
        read = _whole.decode(body)
    except RecursionError:  # its client may have a deeper stack
        return ClientAnswer(body, usage)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BrokenReply("the upstream's answer is not a JSON object") from None
    error = read.told_error(fields)
    if error is not None:
        failure = failure_in(error)
        # A response that failed by the client's own fault is an answer.
        if read.status != "failed" or failure.status >= 500 or failure.status == 429:
            raise failure
    elif not counts and not read.answers(fields):
        raise BrokenReply("the upstream's answer is none of its API")
    return ClientAnswer(body, usage)
