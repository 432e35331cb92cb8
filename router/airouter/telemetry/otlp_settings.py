"""Mistakes in the variables of the OTLP exporter, which its library would tell by a traceback.

The variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PREFIXES = ("OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_")
COMPRESSIONS = frozenset({"gzip", "deflate", "none"})
GRPC_WORD = "grpc"


class WrongVariable(NamedTuple):
    """A variable that cannot be used, and how to mend it. Its value is not repeated."""

    name: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what} (fix: {self.fix})"


def wrong_otlp_variables(environ: Mapping[str, str]) -> Iterator[WrongVariable]:
    """Yield the variables of the exporter that cannot be used."""
    is_grpc = any(
        environ.get(f"{prefix}PROTOCOL", "").strip().lower() == GRPC_WORD for prefix in PREFIXES
    )
    for prefix in PREFIXES:
        for ending, (is_good, what, fix) in CHECKS.items():
            value = environ.get(f"{prefix}{ending}", "").strip()
            may_be_bare = is_grpc and ending == "ENDPOINT"
            if value and not may_be_bare and not is_good(value):
                yield WrongVariable(f"{prefix}{ending}", what, fix)


def is_http_url(value: str) -> bool:
    """Return whether a value is a URL with a host."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def is_number(value: str) -> bool:
    """Return whether a value is a number from zero on."""
    try:
        return float(value) >= 0
    except ValueError:
        return False


CHECKS: dict[str, tuple[Callable[[str], bool], str, str]] = {
    "ENDPOINT": (is_http_url, "is not a URL", "use one such as http://localhost:4318"),
    "TIMEOUT": (is_number, "is not a number", "use seconds, such as 10"),
    "COMPRESSION": (
        lambda value: value.lower() in COMPRESSIONS,
        "is not a known value",
        f"use one of: {', '.join(sorted(COMPRESSIONS))}",
    ),
    "CERTIFICATE": (
        lambda value: Path(value).is_file(),
        "is not a file",
        "use the path of PEM certificates",
    ),
}
"""By the end of a variable's name: whether a value is good, what is wrong with it, the remedy."""
