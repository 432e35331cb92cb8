"""The sources of an answer beside its choices, where Perplexity tells what it found on the web.

`search_results` have titles, the older `citations` (xAI has them, too) are URLs alone. The text
refers to them by number, as `[1]`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.dialects.conversation import Citation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.dialects.chat.completion import Completion


def sources_of(completion: Completion) -> tuple[Citation, ...]:
    """Return the sources of a completion, or of a chunk of one; each is of the whole text."""
    for told in (completion.search_results, completion.citations):
        found = tuple(read_sources(told))
        if found:
            return found
    return ()


def read_sources(told: Any) -> Iterator[Citation]:
    """Yield the sources in a list of them; nothing in anything else."""
    for each in told if isinstance(told, list) else ():
        url, title = (
            (each.get("url"), each.get("title")) if isinstance(each, dict) else (each, None)
        )
        if isinstance(url, str) and url:
            yield Citation(url=url, title=title if isinstance(title, str) else None)
