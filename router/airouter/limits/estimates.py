"""The tokens that a request will take, as far as one can tell before it is made.

Those of its input come from the size of its body: how many bytes make a token depends on language,
tokenizer and form, and is learnt for each model from what its providers counted. So no tokenizer is
needed with its vocabulary, and no time for the text itself. Those of the output are what the client
asks for at most, else what answers of the model had so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.estimation import (
    BYTES_PER_TOKEN,
    MEDIA,
    MEDIA_SIZE,
    MEDIA_TOKENS,
    tokens_in,
    tokens_of_body,
)

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest, Fields

MOST_OUTPUT = ("max_completion_tokens", "max_output_tokens", "max_tokens")
MOST_ANSWERS = 128
"""Answers that clients may want at once, as OpenAI has it."""
FIRST_OUTPUT = 256
"""Tokens of an answer of a model that has not answered yet."""
SAMPLED, END = 32_768, 8_192
"""Bytes from which on a body is sampled, and of each end that is looked at whole."""
SAMPLES, SAMPLE = 8, 2_048
"""Number of the samples, and bytes of each."""
WEIGHT = 0.1
"""Of what was learnt last."""
ENOUGH = 1 / WEIGHT
"""Answers of which none weighs more than the others."""


@dataclass(slots=True)
class Learnt:
    """The experience with the requests of a model. It is set more often than made."""

    factor: float = 1.0
    """Tokens that were counted for each that was estimated by size."""
    output: float = FIRST_OUTPUT
    answers: int = 0


class TokenEstimate(msgspec.Struct, frozen=True):
    """The tokens of one request."""

    tokens: int
    by_size: int
    """Those of the input, if all were as long as they are in English."""
    learnt: Learnt

    @property
    def tokens_in(self) -> int:
        """Those of the input, as far as was learnt."""
        return max(1, int(self.by_size * self.learnt.factor))

    def grown(self, body: bytes) -> TokenEstimate:
        """Return the estimate for a body with the history of the request, if it got one."""
        if len(body) <= BYTES_PER_TOKEN * self.by_size:
            return self
        by_size = tokens_by_size(body)
        more = int((by_size - self.by_size) * self.learnt.factor)
        return TokenEstimate(self.tokens + more, by_size, self.learnt) if more > 0 else self

    def compare(self, tokens_in: int, tokens_out: int) -> None:
        """Learn from what a provider counted.

        A byte is a token at most: more of them are of what no body says, as a history that the
        provider keeps, or an image behind a URL.
        """
        learnt = self.learnt
        learnt.answers = answers = learnt.answers + 1
        weight = max(WEIGHT, 1 / answers) if answers < ENOUGH else WEIGHT
        if tokens_in <= self.by_size * BYTES_PER_TOKEN:
            learnt.factor += weight * (tokens_in / self.by_size - learnt.factor)
        learnt.output += weight * (tokens_out - learnt.output)


NOTHING = TokenEstimate(0, 0, Learnt())
"""The estimate of a request whose tokens nothing limits."""


class Estimates:
    """The estimates of each model, by its name."""

    def __init__(self) -> None:
        self._models: dict[str, Learnt] = {}  # bounded by the catalog's names

    def of(self, model: str, request: ClientRequest) -> TokenEstimate:
        """Return the tokens that a request will take, in and out; at least one."""
        learnt = self._models.get(model) or self._models.setdefault(model, Learnt())
        most = most_output(request.fields)
        output = int(learnt.output) if most is None else most * answers_in(request.fields)
        by_size = tokens_by_size(request.body)
        return TokenEstimate((int(by_size * learnt.factor) or 1) + output, by_size, learnt)

    def keep_only(self, models: set[str]) -> None:
        """Forget all other models."""
        self._models = {name: self._models[name] for name in models & self._models.keys()}


def tokens_by_size(body: bytes) -> int:
    """Return the tokens of a body by its size; at once of one that is too small for media."""
    size = len(body)
    return -(-size // BYTES_PER_TOKEN) if size <= MEDIA_SIZE else size_in_tokens(body)


def size_in_tokens(body: bytes) -> int:
    """Return the tokens of a body by its size: of a large one by its ends, and by samples."""
    if len(body) <= SAMPLED:
        return max(1, tokens_of_body(body))
    rest = len(body) - 2 * END
    between = (rest - SAMPLE) // (SAMPLES - 1)
    starts = (END + at * between for at in range(SAMPLES))
    sampled = sum(text_in(body[start : start + SAMPLE]) for start in starts)
    text = text_in(body[:END]) + text_in(body[-END:]) + sampled * rest // (SAMPLES * SAMPLE)
    media = body.count(b"base64") if text < len(body) - END else 0
    return 1 + tokens_in(text) + MEDIA_TOKENS * media


def text_in(sample: bytes) -> int:
    """Return the bytes of a sample that are no media."""
    return sum(len(part) + 1 for part in sample.split(b'"') if not MEDIA.match(part)) - 1


def most_output(fields: Fields) -> int | None:
    """Return the tokens that a client wants at most, where it says so: of each answer."""
    for name in MOST_OUTPUT:
        if name in fields:
            return wanted_number(fields, name)
    return None


def answers_in(fields: Fields) -> int:
    """Return how many answers, or images, a client wants at once."""
    return min(wanted_number(fields, "n") or 1, MOST_ANSWERS) if "n" in fields else 1


def wanted_number(fields: Fields, name: str) -> int | None:
    """Return a field that is a number; None for one that is none, or makes no sense."""
    raw = bytes(fields[name])
    return int(raw) if len(raw) <= 9 and raw.isdigit() else None
