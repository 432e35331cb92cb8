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


class RedactionRule(NamedTuple):
    """A shape of secret text, and its replacement."""

    hints: tuple[str, ...]
    """Lower-case texts, one of which is in every match. They are searched first: a pattern takes
    ten times as long, and most lines have no secret. Hints of case-insensitive patterns leave out
    the letter i, because these also match the Turkish ones, which casefold does not turn into i."""
    pattern: re.Pattern[str]
    left: str


RULES = (
    # A header's value has blanks and commas of its own, so all of it is replaced.
    RedactionRule(
        ("author", "cook"),
        re.compile(rf"((?:authorization|cookie){_IS})[^\"'\r\n]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    RedactionRule(
        ("key", "token", "secret", "passw"),
        re.compile(rf"((?:{_NAMES}){_IS})[^\"'\\\s,;&)}}\]]+", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    RedactionRule(
        ("bearer",),
        re.compile(r"\b(bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    RedactionRule(
        ("bas",),
        re.compile(r"\b(basic)\s+[A-Za-z0-9+/]{16,}={0,2}", re.IGNORECASE),
        rf"\1 {REDACTED}",
    ),
    # The password in a URL, as Redis and proxies have it.
    RedactionRule(("://",), re.compile(r"(://[^/\s:@\"']*:)[^/\s@\"']+@"), rf"\1{REDACTED}@"),
    # Keys that are known by their prefix: OpenAI and its like, Groq, xAI, Perplexity,
    # Hugging Face, NVIDIA, GitHub, Google, AWS, JSON web tokens.
    RedactionRule(("sk-", "rk-", "pk-"), re.compile(r"\b(?:sk|rk|pk)-[\w-]{6,}"), REDACTED),
    RedactionRule(
        ("gsk_", "xai-", "pplx-", "hf_", "nvapi-", "gh"),
        re.compile(r"\b(?:gsk_|xai-|pplx-|hf_|nvapi-|gh[opsu]_)[\w-]{10,}"),
        REDACTED,
    ),
    RedactionRule(("aiza",), re.compile(r"\bAIza[\w-]{20,}"), REDACTED),
    RedactionRule(("ya29.",), re.compile(r"\bya29\.[\w.-]+"), REDACTED),
    RedactionRule(
        ("akia", "asia", "absk"),
        re.compile(r"\b(?:AKIA|ASIA|ABSK)[0-9A-Za-z+/=]{12,}"),
        REDACTED,
    ),
    RedactionRule(("eyj",), re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.[\w-]+\.[\w-]+"), REDACTED),
    RedactionRule(
        ("private key",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL),
        REDACTED,
    ),
)

SENSITIVE = re.compile(rf"authorization|cookie|{_NAMES}", re.IGNORECASE)
"""Names of fields whose value is a secret in any shape."""
LONGEST_KNOWN = 64
"""Characters of a name that is remembered."""


def redact(text: str) -> str:
    """Return a text without the parts that look like a secret."""
    folded = text.casefold()
    for hints, pattern, left in RULES:
        for hint in hints:
            if hint in folded:
                text = pattern.sub(left, text)
                break
    return text


def redact_value(value: object) -> object:
    """Return a value of a log line without secrets, as plain JSON.

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
    """Return named values without secrets; one with a sensitive name is replaced whole."""
    redacted = {}
    for key, value in fields.items():
        name = str(key)
        look = known_name if len(name) <= LONGEST_KNOWN else redact_name
        shown, sensitive = look(name)
        redacted[shown] = REDACTED if sensitive else redact_value(value)
    return redacted


def redact_name(name: str) -> tuple[str, bool]:
    """Return a name without secrets, and True if its value is one."""
    return redact(name), SENSITIVE.search(name) is not None


known_name = lru_cache(maxsize=256)(redact_name)
"""`redact_name` with a cache: every line has the same few names."""
