"""Limits that whoever runs an operator sets to those who write a RouterConfig.

A credential sends a Secret to a URL, and both stand in one RouterConfig: whoever may write one can
send any Secret of its namespace anywhere. `docs/security.md` is about that.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

ALLOWING = ("airouter.dev/allow", "true")
"""The label, and its value, by which the owner of a Secret lets RouterConfigs name it."""
PORTS = {"http": 80, "https": 443}


class Trust(NamedTuple):
    """Limits of what a RouterConfig may name; none by default."""

    needs_label: bool = False
    """Only Secrets with the label are given to the compiler."""
    allowed_hosts: tuple[str, ...] = ()
    """Globs of hosts (`*.example.com`, `10.0.0.7:8000`) and of URLs (`https://*.example.com/*`).
    Empty: all are allowed."""

    def allows(self, url: str) -> bool:
        """Return whether a key may be sent to a URL, which is valid."""
        if not self.allowed_hosts:
            return True
        parts = url_parts(url)
        return any(parts.is_at(glob.lower()) for glob in self.allowed_hosts)


class UrlParts(NamedTuple):
    """A URL in its canonical parts, so that a glob need not know how a URL can be written."""

    scheme: str
    host: str
    port: int
    path: str

    def is_at(self, glob: str) -> bool:
        """Return whether a glob is about this URL."""
        if "://" not in glob:
            return any(matches(glob, form) for form in (self.host, f"{self.host}:{self.port}"))
        scheme, _, rest = glob.partition("://")
        host, slash, path = rest.partition("/")
        # One after the other: a star of the host must not reach into the path.
        default = self.port == PORTS.get(self.scheme)
        hosts = (f"{self.host}:{self.port}", *((self.host,) if default else ()))
        return (
            matches(scheme, self.scheme)
            and any(matches(host, form) for form in hosts)
            and (not slash or matches(f"/{path}", self.path))
        )


def url_parts(url: str) -> UrlParts:
    """Return the parts of a valid URL, in lower case."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return UrlParts(
        parts.scheme,
        f"[{host}]" if ":" in host else host,
        parts.port or PORTS.get(parts.scheme, 0),
        parts.path.lower() or "/",
    )


def matches(glob: str, text: str) -> bool:
    """Return whether a text is as a glob has it, in which a star stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, glob.split("*"))), text) is not None


ANYTHING = Trust()
