"""A ban, and the messages by which replicas tell each other that one began or ended."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from airouter.untrusted import decoded

T = TypeVar("T")

BY_HAND = "by_hand"
"""The reason of a ban that a person asked for."""
LONGEST_NAME = 1024
LONGEST_WORD = 128
LONGEST_TIME = 10.0 * 365 * 86_400
MOST_NOTICES = 200
"""Notices of one message."""
LARGEST_MESSAGE = 1_048_576
"""Bytes of JSON: of as many notices, each with the longest names."""

BanKey = tuple[str, str, bool, str]
"""A credential, the provider's name of a model or nothing, whether the ban is by hand, and the mark
of a key that was refused."""


class Ban(msgspec.Struct, frozen=True):
    """A ban, as it is shown, and as one replica tells another of it."""

    credential: str
    upstream_name: str
    """The provider's name of the model; empty for all models of the credential."""
    reason: str
    """The status, the declared code of the error, `AttemptOutcome.kind`, or `by_hand`."""
    seconds: float | None
    """Its whole length; None where it lasts until it is lifted."""
    remaining: float | None
    """Seconds that are left, rather than a time, as clocks differ; 0.0 for one that is half open.
    None where it lasts until it is lifted."""
    count: int
    """Bans in a row, without an answer between them."""
    refused: str = ""
    """The mark of the key that was refused, of which alone it is (`routing/marks.py`); empty where
    no key was."""

    def __post_init__(self) -> None:
        names = len(self.credential) <= LONGEST_NAME and len(self.upstream_name) <= LONGEST_NAME
        times = all(0 <= each <= LONGEST_TIME for each in (self.seconds or 0, self.remaining or 0))
        if not (names and times and self._has_short_words and self.count >= 0):
            raise ValueError("it is no ban")

    @property
    def _has_short_words(self) -> bool:
        return max(len(self.reason), len(self.refused)) <= LONGEST_WORD

    @property
    def is_by_hand(self) -> bool:
        """True for one that a person asked for, which no answer ends."""
        return self.reason == BY_HAND

    @property
    def key(self) -> BanKey:
        """The subject: a backend has at most one by hand, and one beside it for each key."""
        return self.credential, self.upstream_name, self.is_by_hand, self.refused


class BanNotice(msgspec.Struct, frozen=True, omit_defaults=True):
    """Word of a ban that began, or of one that ended before its time."""

    id: str
    """Another one for each word; the same wherever it is told again."""
    ban: Ban
    ended: bool = False
    age: float = 0.0
    """Seconds since it happened, when this was sent."""

    def __post_init__(self) -> None:
        if not (0 < len(self.id) <= LONGEST_WORD and 0 <= self.age <= LONGEST_TIME):
            raise ValueError("it is no notice")


class BanNews(msgspec.Struct, frozen=True, omit_defaults=True):
    """News of a board, oldest first, since a revision that was asked for."""

    epoch: str
    """Another one for each board: one that was lost knows nothing of what it was told."""
    revision: int
    """The revision up to which this tells."""
    notices: list[BanNotice] = []


class BanMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words of a replica for a board, or, without any, a question for what it has not read."""

    notices: list[BanNotice] = []
    epoch: str = ""
    since: int = 0

    def __post_init__(self) -> None:
        if len(self.notices) > MOST_NOTICES or len(self.epoch) > LONGEST_WORD:
            raise ValueError("it is no message")


class UnreadableBans(Exception):
    """A message that is none; the text quotes nothing of it."""


def read_bans(content: bytes, kind: type[T]) -> T:
    """Return a `BanNews` or `BanMessage`. Raises `UnreadableBans`."""
    message: T = decoded(DECODERS[kind], content, UnreadableBans, f"is no {kind.__name__}")
    return message


DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (BanNews, BanMessage)
}
"""Built at import, by one thread: msgspec crashes the process where two build one type at once."""
