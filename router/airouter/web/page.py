"""The document at `/vhealth`: templates, one stylesheet and one script, all in the page itself.

Nothing comes from elsewhere, and the Content-Security-Policy says so: the style and the script are
allowed by their hashes, so nothing else that came into the page could run.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

if TYPE_CHECKING:
    from airouter.web.board import Audience, Board

TEMPLATES = Path(__file__).parent / "templates"


class HealthPage:
    """Writes the page and its parts."""

    def __init__(self) -> None:
        environment = templates()
        self._page = environment.get_template("page.html")
        self._parts = environment.get_template("parts.html").module
        style, script = (template_text(name) for name in ("page.css", "page.js"))
        self._style, self._script = Markup(style), Markup(script)  # noqa: S704 - our own files
        self.policy = content_policy(style, script)
        """The value of the Content-Security-Policy header."""

    def part(self, macro: str, data: object) -> str:
        """Return the HTML of a part of the page."""
        written: str = getattr(self._parts, macro)(data)
        return str(written).strip()

    def document(self, board: Board, audience: Audience, *, error: str = "") -> str:
        """Return the page as an audience sees it; `error` is of a sign-in that failed."""
        return self._page.render(
            block=lambda name: Markup(board.html(name, audience)),  # noqa: S704 - written by `part`
            audience=audience.name.lower(),
            seen=board.mark,
            error=error,
            style=self._style,
            script=self._script,
        )


@cache
def templates() -> Environment:
    """Return what compiles the templates: once in a process, as it takes 60 ms."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def template_text(name: str) -> str:
    """Return a file beside the templates."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def content_policy(style: str, script: str) -> str:
    """Return the policy under which a page runs this style and this script, and loads nothing."""
    return (
        f"default-src 'none'; style-src {hash_source(style)}; script-src {hash_source(script)}; "
        "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


def hash_source(text: str) -> str:
    """Return the hash by which a policy allows an inline text (CSP level 2)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
