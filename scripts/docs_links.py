"""A hook of mkdocs: links out of `docs/` lead to files that the site has not."""

from __future__ import annotations

import re
from typing import Any

OUT_OF_DOCS = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([^)#]+)[^)]*\)")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Return a page in which such a link is the name of its file."""
    return OUT_OF_DOCS.sub(r"\1 (`\2` in the repository)", markdown)
