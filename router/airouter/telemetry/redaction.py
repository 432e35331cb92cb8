"""Takes secrets out of text before it is written anywhere.

Nothing in the router logs a key on purpose. This is the net below that: a provider's error that
quotes a key, an exception of a library that shows a header. `logs.py` puts every line through it.
It rather takes too much than too little.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

REDACTED = "[redacted]"

# A quote as it stands in text, in a repr of bytes, or escaped inside JSON.
_QUOTE = r"""b?\\?["']"""
# What stands between a name and its value; a comma only in a pair such as ('name', 'value').
_IS = rf"(?:(?:{_QUOTE})?\s*[:=]\s*(?:{_QUOTE})?|{_QUOTE}\s*,\s*{_QUOTE})"

_NAMES = (
    r"api[-_]?key|access[-_]?token|refresh[-_]?token|session[-_]?token"
    r"|security[-_]?token|client[-_]?secret|secret[-_]?access[-_]?key|secret[-_]?key|private[-_]?key"
    r"|password|passwd"
)


class Rule(NamedTuple):
    """Text of a shape, and what is left of it."""

    hints: tuple[str, ...]
    """Lower-case text; one of it stands in all that matches. It is looked for first: a pattern
    takes ten times as long, and most lines have no secret. Without an i where case does not matter:
    to a pattern a Turkish one is the same, dotted or not."""
    pattern: re.Pattern[str]
    left: str


RULES = (
    # A header's value has blanks and commas of its own: all of it goes.
    Rule(
        ("author", "cook"),
        re.compile(rf"((?:authorization|cookie){_IS})[^\"'\r\n]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    Rule(
        ("key", "token", "secret", "passw"),
        re.compile(rf"((?:{_NAMES}){_IS})[^\"'\\\s,;&)}}\]]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    Rule(
        ("bearer",),
        re.compile(r"\b(bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    Rule(
        ("bas",),
        re.compile(r"\b(basic)\s+[A-Za-z0-9+/]{16,}={0,2}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    # The password in a URL, as Redis and proxies have it.
    Rule(("://",), re.compile(r"(://[^/\s:@\"']*:)[^/\s@\"']+@"), rf"\1{REDACTED}@"),
    # Keys that show by themselves what they are: OpenAI and its like, Groq, xAI, Perplexity,
    # Hugging Face, NVIDIA, GitHub, Google, AWS, JSON web tokens.
    Rule(("sk-", "rk-", "pk-"), re.compile(r"\b(?:sk|rk|pk)-[\w-]{6,}"), REDACTED),
    Rule(
        ("gsk_", "xai-", "pplx-", "hf_", "nvapi-", "gh"),
        re.compile(r"\b(?:gsk_|xai-|pplx-|hf_|nvapi-|gh[opsu]_)[\w-]{10,}"),
        REDACTED,
    ),
    Rule(("aiza",), re.compile(r"\bAIza[\w-]{20,}"), REDACTED),
    Rule(("ya29.",), re.compile(r"\bya29\.[\w.-]+"), REDACTED),
    Rule(
        ("akia", "asia", "absk"),
        re.compile(r"\b(?:AKIA|ASIA|ABSK)[0-9A-Za-z+/=]{12,}"),
        REDACTED,
    ),
    Rule(("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), REDACTED),
    Rule(
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        REDACTED,
    ),
)

SENSITIVE = re.compile(rf"authorization|cookie|{_NAMES}", re.IGNORECASE)
"""Names of fields whose value is a secret, whatever it looks like."""
LONGEST_KNOWN = 64
"""Characters of a name that is remembered."""


def redact(text: str) -> str:
    """The same text without what looks like a secret."""
    folded = text.casefold()
    for hints, pattern, left in RULES:
        for hint in hints:
            if hint in folded:
                text = pattern.sub(left, text)
                break
    return text


def redact_value(value: object) -> object:
    """A value of a log line without secrets, all of it plain JSON.

    Containers are copied; what is neither a container nor a number becomes redacted text.
    """
    match value:
        case str():
            return redact(value)
        case None | bool() | int() | float():
            return value
        case dict():
            return redact_fields(value)
        case list() | tuple() | set() | frozenset():
            return [redact_value(item) for item in value]
        case _:
            return redact(repr(value))


def redact_fields(fields: dict[str, object]) -> dict[str, object]:
    """Named values without secrets; those with a telling name are taken out whole."""
    redacted = {}
    for key, value in fields.items():
        name = str(key)
        look = known_name if len(name) <= LONGEST_KNOWN else redact_name
        shown, sensitive = look(name)
        redacted[shown] = REDACTED if sensitive else redact_value(value)
    return redacted


def redact_name(name: str) -> tuple[str, bool]:
    """A name without secrets, and whether its value is one."""
    return redact(name), SENSITIVE.search(name) is not None


known_name = lru_cache(maxsize=256)(redact_name)
"""The same, remembered: every line has the same few names."""
