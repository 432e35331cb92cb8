"""Pages of the lists of items that clients ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.failures import invalid_field
from airouter.responses.items import item_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_LISTED = 100
LISTED = 20


class Page(NamedTuple):
    """The part of a list that a client wants."""

    after: str | None = None
    limit: int = LISTED
    order: str = "desc"

    def of(self, items: Sequence[msgspec.Raw]) -> bytes:
        """Return a page of items that have ids. Raises `Failure` 400, 404."""
        if not 1 <= self.limit <= MOST_LISTED:
            raise invalid_field("limit", f"'limit' must be from 1 to {MOST_LISTED}.")
        if self.order not in ("asc", "desc"):
            raise invalid_field("order", "'order' must be 'asc' or 'desc'.")
        found = list(items) if self.order == "asc" else list(reversed(items))
        ids = [item_fields(item).id for item in found]
        if self.after is not None:
            if self.after not in ids:
                raise invalid_field("after", f"'after' names no item: '{self.after[:256]}'.")
            start = ids.index(self.after) + 1
            found, ids = found[start:], ids[start:]
        page = {
            "object": "list",
            "data": found[: self.limit],
            "first_id": ids[0] if ids else None,
            "last_id": ids[: self.limit][-1] if ids else None,
            "has_more": len(ids) > self.limit,
        }
        return msgspec.json.encode(page)
