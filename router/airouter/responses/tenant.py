"""Everything of one tenant: stored responses, conversations, and the seals of what leaves here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.responses.conversations import Conversations
from airouter.responses.item_ids import ItemIds
from airouter.responses.pinning import Renamer, unpinned
from airouter.responses.records import Archive
from airouter.responses.sealed import Seals

if TYPE_CHECKING:
    from airouter.bounds.held_bytes import Holding
    from airouter.eventloop.aside import Aside
    from airouter.eventloop.turns import Turns
    from airouter.responses.pinning import Pin
    from airouter.sealing import Sealer
    from airouter.state.base import Store


class Tenant:
    """The tenant of one request. Its names for things are the same all along."""

    __slots__ = (
        "_aside",
        "_sealer",
        "_store",
        "_tenant",
        "_turns",
        "item_ids",
        "recalled",
        "renamer",
        "seals",
    )

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        tenant: str,
        recalled: Holding,
        turns: Turns,
        aside: Aside,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._tenant = tenant
        self._turns = turns
        self._aside = aside
        self.recalled = recalled
        """Holds what the request has of what is stored, and what it makes of that."""
        self.seals = Seals(sealer, tenant)
        self.item_ids = ItemIds(sealer, tenant)
        self.renamer = Renamer(sealer, tenant, self.item_ids)

    @property
    def archive(self) -> Archive:
        """The stored responses."""
        return Archive(self._store, self._tenant, self._turns, self.recalled)

    @property
    def conversations(self) -> Conversations:
        """The stored conversations."""
        return Conversations(self._store, self._tenant, self._turns, self._aside, self.recalled)

    def pin_of(self, id_: str) -> Pin | None:
        """Return where a response is kept by its provider; None for any other id."""
        return unpinned(id_, self._sealer, self._tenant)
