"""Citations between Anthropic's words and ours, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import Citation

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

NAME = "messages"
UNITS = {
    "char_location": ("character", "start_char_index", "end_char_index"),
    "page_location": ("page", "start_page_number", "end_page_number"),
    "content_block_location": ("block", "start_block_index", "end_block_index"),
}
LOCATIONS = {unit: (kind, first, last) for kind, (unit, first, last) in UNITS.items()}


def parse_citation(native: Json) -> Citation:
    """Return a citation, with the original in it for the way back."""
    unit, first, last = UNITS.get(str(native.get("type")), (None, "", ""))
    return Citation(
        url=native.get("url"),
        title=native.get("document_title") or native.get("title"),
        quote=native.get("cited_text"),
        document=native.get("document_index"),
        unit=unit,  # type: ignore[arg-type]  # one of `UNITS`
        first=native.get(first),
        last=native.get(last),
        dialect=NAME,
        native=native,
    )


def render_citation(citation: Citation) -> Json:
    """Return a citation; as a search result on the web where another provider made it."""
    if citation.dialect == NAME and citation.native is not None:
        return citation.native
    if citation.unit is not None:
        kind, first, last = LOCATIONS[citation.unit]
        return {
            "type": kind,
            "cited_text": citation.quote or "",
            "document_index": citation.document or 0,
            "document_title": citation.title,
            "file_id": None,
            first: citation.first or 0,
            last: citation.last or 0,
        }
    return {
        "type": "web_search_result_location",
        "cited_text": citation.quote or "",
        "encrypted_index": "",
        "title": citation.title,
        "url": citation.url or "",
    }
