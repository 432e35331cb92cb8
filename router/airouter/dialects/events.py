"""An answer as it comes: stream parsers make these events, and stream renderers take them.

For each choice, parts come one after the other: `PartBegun`, its deltas, `PartEnded`, with `at`
counting from 0; then `Stopped`. `Begun` comes first. `Counted` may come at any time and again: the
last one counts. The last event of all is `Ended` or `Broken`, and nothing follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import (
    Citation,
    Json,
    Part,
    Piece,
    Signature,
    Stop,
    Usage,
)

if TYPE_CHECKING:
    from airouter.failures import Failure


class Begun(Piece, frozen=True):
    """The model has begun to answer."""

    id: str
    model: str
    created: int | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    """The tokens of the input, where they are known so early."""


class PartBegun(Piece, frozen=True):
    """The beginning of a part.

    A `Text`, `Reasoning` or `Refusal` is still empty, a `ToolCall` without arguments; any other
    part (an image, an `Opaque`) is whole already.
    """

    at: int
    part: Part
    choice: int = 0


class TextDelta(Piece, frozen=True):
    """More of a `Text`. May be empty where it brings log probabilities."""

    at: int
    text: str
    choice: int = 0
    logprobs: tuple[Json, ...] | None = None


class ReasoningDelta(Piece, frozen=True):
    """More of a `Reasoning`: of its text, or of part number `summary` of its summary."""

    at: int
    text: str
    choice: int = 0
    summary: int | None = None


class RefusalDelta(Piece, frozen=True):
    """More of a `Refusal`."""

    at: int
    text: str
    choice: int = 0


class ArgumentsDelta(Piece, frozen=True):
    """More of the arguments of a `ToolCall`."""

    at: int
    text: str
    choice: int = 0


class Cited(Piece, frozen=True):
    """A source of the `Text` that is open."""

    at: int
    citation: Citation
    choice: int = 0


class Signed(Piece, frozen=True):
    """The whole signature of the part that is open."""

    at: int
    signature: Signature
    choice: int = 0


class PartEnded(Piece, frozen=True):
    """The part is whole."""

    at: int
    choice: int = 0


class Stopped(Piece, frozen=True):
    """A choice is whole."""

    stop: Stop
    stop_sequence: str | None = None
    choice: int = 0


class Counted(Piece, frozen=True):
    """The tokens so far, all of them."""

    usage: Usage


class Pinged(Piece, frozen=True):
    """The provider is still there."""


class Ended(Piece, frozen=True):
    """The answer is whole."""


class Broken(Piece, frozen=True):
    """The end of an answer that is not whole, and the reason."""

    failure: Failure


Delta = TextDelta | ReasoningDelta | RefusalDelta | ArgumentsDelta | Cited | Signed

Event = Begun | PartBegun | Delta | PartEnded | Stopped | Counted | Pinged | Ended | Broken
