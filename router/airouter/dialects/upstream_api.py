"""An API of providers: the dialect that it speaks, and what it does with each wish of a client.

Each dialect's folder has its own in `upstream.py`. A provider (`airouter.providers`) binds a model
to one of them, and `translation/` reads off it how a client's request gets there: nothing else
knows one API of providers from another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airouter.dialects.conversation import Conversation, Destination
    from airouter.dialects.dialect import UpstreamDialect
    from airouter.dialects.embeddings.codec import EmbeddingCodec
    from airouter.dialects.images.codec import ImageCodec

NOTHING = re.compile(rb"(?!)")


class TokenCounter(NamedTuple):
    """The way to ask an API for the tokens of a prompt."""

    render: Callable[[Conversation, Destination], bytes]
    """Writes the body. Raises `Unsupported`."""
    parse: Callable[[bytes], int]
    """Reads the answer. Raises `BrokenReply`."""
    fetches: Callable[[Conversation], list[str]]
    """Lists the URLs in a conversation that the API wants as bytes."""


class IdRule(NamedTuple):
    """The form of ids in a history."""

    unfit: re.Pattern[bytes]
    """Finds what may be an id that is refused."""
    fit: Callable[[str], str]
    """Returns an id that is taken: the same for one that is, and for the same one."""


@dataclass(frozen=True)
class UpstreamApi:
    """An API of providers, and what it can do."""

    dialect: UpstreamDialect | None = None
    """For conversations; None takes those alone that pass through."""
    passes: frozenset[str] = frozenset()
    """APIs for clients whose requests it takes as they are."""
    counter: TokenCounter | None = None
    """None has the tokens of a prompt estimated."""
    embeddings: Callable[[str], EmbeddingCodec] | None = None
    """Returns the codec of a model's embeddings. Raises `Unsupported`."""
    images: Callable[[str], ImageCodec] | None = None
    """Returns the codec of a model's images."""
    betas: Mapping[str, str] | None = None
    """Anthropic's betas that it takes, to its names for them; None is Anthropic's own service,
    which gets all that its clients tell it."""
    keeps_responses: bool = False
    """A response can be asked for again."""
    refused_fields: frozenset[str] = frozenset()
    """Fields of the model's messages in chat completions that it refuses in a history."""
    id_rule: IdRule | None = None
    """Of the ids of calls, where requests pass through; None takes any."""
    words: Mapping[str, str | None] = field(default_factory=dict)
    """Fields of chat completions by its own names for them, where requests pass through; None for
    one that it refuses and can do without."""
    in_pieces: bool = False
    """A content in an answer may be a list of texts and thoughts, where answers pass through."""
    unfit_name: re.Pattern[bytes] | None = None
    """Finds in the tools of a request what may be a name that is refused, where requests pass
    through; None takes any name."""
    foreign: re.Pattern[bytes] = NOTHING
    """Finds the items of Responses that would be unknown there: another provider packed them."""
