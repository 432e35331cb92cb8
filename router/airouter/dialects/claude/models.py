"""Generations of Claude and what each takes, by the name of the model.

Sources: the errors of the API, and the notes on models in Anthropic's documentation. A Claude that
is not known here is taken for the newest. Other makers have endpoints that imitate the API: their
models are asked in the words that every generation had, and nothing is known of what they lack.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NAME = re.compile(
    r"claude-(?:(?P<old>\d)(?:[-.](?P<old_minor>\d))?-)?(?P<family>opus|sonnet|haiku|fable|mythos)"
    r"(?:-(?P<major>\d)(?!\d)(?:[-.](?P<minor>\d{1,2})(?!\d))?)?"
)
FIRST_NAME = re.compile(r"claude-(?:instant-)?v?(?P<major>[12])(?:[.:](?P<minor>\d))?(?!\d)")
"""The name of a Claude before there were families."""
OF_CLAUDE = re.compile(r"claude|(?<![a-z])(?:opus|sonnet|haiku|fable|mythos)(?![a-z])")
"""In the name of a deployment, too. Other makers have words with a family in them (`octopus`)."""
ALL_EFFORTS = ("low", "medium", "high", "xhigh", "max")
UNFORCED = frozenset({"fable", "mythos"})
EFFORTS_UNTIL_HIGH = ("low", "medium", "high")


@dataclass(frozen=True)
class Traits:
    """The features and limits of a model."""

    version: tuple[int, int]
    thinks: bool
    budgets: bool
    """Thinking is asked for by `budget_tokens`; else it is adaptive."""
    efforts: tuple[str, ...]
    """Levels of `output_config.effort`; empty where there is no such field."""
    samples: bool
    """`temperature` and its like are taken."""
    schemas: bool
    """An answer can be held to a JSON schema, and a call to a strict one."""
    forces: bool
    """It can be made to call a tool."""
    system_messages: bool
    """Instructions may come in the middle."""
    prefills: bool
    """It goes on with a turn of its own that stands last; the others refuse one there."""
    max_tokens: int
    """Tokens that an answer may have; asked for where a client says nothing."""
    known: bool = True
    """False for a model of another maker: clients of messages know what it takes."""


FOREIGN = Traits(
    version=(0, 0),
    thinks=True,
    budgets=True,
    efforts=(),
    samples=True,
    schemas=False,
    forces=True,
    system_messages=False,
    prefills=False,
    max_tokens=8_192,
    known=False,
)
"""Those of a model of another maker."""


@lru_cache(maxsize=1024)
def traits_of(model: str) -> Traits:
    """Return the traits of a model, whatever cloud its name is from."""
    model = model.lower()
    if not OF_CLAUDE.search(model):
        return FOREIGN
    version = claude_version(model)
    family = family_of(model)
    newest = version >= (4, 7)
    return Traits(
        version=version,
        thinks=version >= (3, 7),
        budgets=version < (4, 6),
        efforts=efforts_of(family, version),
        samples=not newest,
        schemas=version >= (4, 5) or (version, family) == ((4, 1), "opus"),
        forces=version < (5, 5) and family not in UNFORCED,
        system_messages=version >= (4, 8),
        prefills=version < (4, 6),
        max_tokens=max_tokens_of(family, version),
    )


def claude_version(model: str) -> tuple[int, int]:
    """Return the major and minor version; (99, 0) for a name that says none."""
    found = NAME.search(model)
    if found is None:
        first = FIRST_NAME.search(model)
        return (int(first["major"]), int(first["minor"] or 0)) if first else (99, 0)
    major = found["old"] or found["major"]
    minor = found["old_minor"] if found["old"] else found["minor"]
    return (int(major), int(minor or 0)) if major else (99, 0)


def family_of(model: str) -> str:
    """Return the family, such as `opus`; nothing for a name that says none."""
    found = NAME.search(model)
    return found["family"] if found else ""


def efforts_of(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    """Return the levels of `output_config.effort`."""
    if version >= (4, 7):
        return ALL_EFFORTS
    if version == (4, 6):
        return (*EFFORTS_UNTIL_HIGH, "max") if family == "opus" else EFFORTS_UNTIL_HIGH
    return EFFORTS_UNTIL_HIGH if (family, version) == ("opus", (4, 5)) else ()


def max_tokens_of(family: str, version: tuple[int, int]) -> int:
    """Return the most tokens that every model of a generation can write."""
    if version < (3, 5):
        return 4_096
    if version < (3, 7):
        return 8_192
    return 32_000 if family == "opus" and version < (4, 5) else 64_000
