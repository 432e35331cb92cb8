"""The Responses API beyond single requests: history, storage, compaction, background work.

The pipeline has each request prepared before it chooses a backend: what the request goes on from is
put before its input, what it carries is opened, and what it asks for beyond an answer (compaction,
work in the background) is done here. The other endpoints of the API are in `stored_responses.py`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from airouter.bounds.held_bytes import SMALL, Holding
from airouter.eventloop.aside import LARGE
from airouter.failures import invalid_field
from airouter.prepared import Prepared
from airouter.responses.background.jobs import Jobs
from airouter.responses.background.start import start_in_background
from airouter.responses.caller import PLAIN_CALLER
from airouter.responses.compaction.compactor import Compactor
from airouter.responses.compaction.threshold import Threshold
from airouter.responses.compaction.trigger import answer_trigger, has_trigger
from airouter.responses.compaction.window import answer_window
from airouter.responses.continuation import complete, find_continuation, provider_envelope
from airouter.responses.held_exchange import held
from airouter.responses.pinning import PreviousTold
from airouter.responses.records import History
from airouter.responses.request import REQUEST, ResponsesRequest
from airouter.responses.stored_responses import StoredResponses
from airouter.responses.tenant import Tenant
from airouter.responses.turn import ResponsesTurn
from airouter.responses.unanswered import new_response_id
from airouter.responses.warm_up import answer_warm_up
from airouter.sealing import Sealer
from airouter.state.absent import NoStore
from airouter.state.base import StoreError
from airouter.state.factory import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airouter.auth import Principal
    from airouter.bounds.held_bytes import HeldBytes
    from airouter.config.snapshot import Model, Snapshot
    from airouter.dialects.client_request import ClientRequest
    from airouter.eventloop.aside import Aside
    from airouter.eventloop.turns import Turns
    from airouter.interfaces import Exchange
    from airouter.responses.caller import Caller, ServeCaller
    from airouter.serving.state import ServingState
    from airouter.state.base import Store

logger = logging.getLogger("airouter.responses")

NO_KEYS = (
    "spec.responses.sealing has no keys: what clients carry for this process (reasoning, "
    "compacted conversations, ids that a provider keeps) is sealed with a key of its own, and "
    "cannot be opened by other replicas or after a restart"
)
ANSWERED = ("responses", "session")
"""APIs for which a model answers."""


class ResponsesService:
    """The Responses API of one process."""

    serve: ServeCaller
    """The pipeline, for requests of our own; set once it is there."""

    def __init__(self, sqlite_path: Path, aside: Aside, held: HeldBytes, turns: Turns) -> None:
        self._sqlite_path = sqlite_path
        self._aside = aside
        self._held = held
        self._turns = turns
        self._own_key = secrets.token_hex(32)
        self._place: tuple[str, str | None] | None = None
        """Where the store is."""
        self._closing: set[asyncio.Task[None]] = set()
        self._keys: tuple[str, ...] | None = None
        self._store: Store = NoStore()
        self.sealer = Sealer([self._own_key])
        self._compactor = Compactor(self._serve, aside)
        self._jobs = Jobs(self._serve)

    @property
    def keeps(self) -> bool:
        """True where responses are stored here."""
        return not isinstance(self._store, NoStore)

    def reload(self, snapshot: Snapshot) -> None:
        """Use the keys and the store of a snapshot. One that stays where it is keeps its content.

        Raises `ValueError` for a store that cannot be.
        """
        self._jobs.heartbeat = snapshot.retries.heartbeat
        storage = snapshot.storage
        place = storage.type, snapshot.redis_url if storage.type == "Redis" else None
        if place == self._place:
            self._store.bound(storage.ttl, storage.max_entries)
        else:
            former, self._store = self._store, open_store(storage, place[1], self._sqlite_path)
            self._place = place
            closing = asyncio.ensure_future(close_store(former))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        if snapshot.sealing_keys != self._keys:
            self._keys = snapshot.sealing_keys
            self.sealer = Sealer(snapshot.sealing_keys or [self._own_key])
            if not snapshot.sealing_keys:
                logger.info(NO_KEYS)

    async def close(self) -> None:
        """Stop what is under way in the background, and let go of the store."""
        await self._jobs.close()
        await close_store(self._store)

    async def _serve(self, exchange: Exchange, caller: Caller) -> None:
        await self.serve(exchange, caller)

    def stored_responses_of(self, principal: Principal, serving: ServingState) -> StoredResponses:
        """Return the responses of a principal, here and at the providers that are served."""
        return StoredResponses(self.tenant_of(principal), self._jobs, serving, self._aside)

    def tenant_of(self, principal: Principal) -> Tenant:
        """Return what belongs to a principal, for a request that is not for a model."""
        return self._tenant(principal, Holding(self._held, principal.tenant))

    def _tenant(self, principal: Principal, recalled: Holding) -> Tenant:
        return Tenant(
            self._store, self.sealer, principal.tenant, recalled, self._turns, self._aside
        )

    async def prepare(
        self,
        exchange: Exchange,
        principal: Principal,
        request: ClientRequest,
        model: Model,
        recalled: Holding,
        hand_over: Callable[[], None],
        *,
        api: str,
        native: bool,
        foreign: bool = False,
        caller: Caller = PLAIN_CALLER,
    ) -> Prepared | None:
        """Complete a request: see `Prepare`. `caller` is who sends it."""
        asked = ResponsesRequest(request.fields, request.body)
        if caller.in_session and asked.background:
            raise invalid_field("background", "A session has no responses in the background.")
        if len(asked.body) > LARGE:
            await self._aside.run(lambda: asked.is_plain)  # which is known from then on
        plain = api != "compact" and asked.is_plain
        keeps = asked.may_store or caller.in_session
        if plain and native and not keeps:
            return Prepared(exchange)  # with the provider's own id, as it leads nowhere
        tenant = self._tenant(principal, recalled)
        request.rename = tenant.renamer
        tenant.renamer.tags_items = native
        stores = (foreign or not native) and self.keeps and api in ANSWERED and asked.may_store
        if not native:
            request.seal = tenant.seals.seal
        if stores or not native:
            request.answer_id = caller.response_id or new_response_id()
        if plain and not (stores or caller.in_session):
            return Prepared(exchange)  # of which nothing is kept
        if caller.in_background:  # its client was told that there will be a response
            recalled.insist()
        if len(asked.body) > SMALL:
            recalled.grow(len(asked.body))
        turn = ResponsesTurn(
            exchange,
            caller,
            asked,
            request,
            model,
            tenant,
            self._aside,
            hand_over,
            stores,
            History(),
            native=native,
        )
        if plain and not (caller.in_session and says_more(asked, caller)):
            return held(turn)
        return await self._go_on(turn, api, native=native)

    async def _go_on(self, turn: ResponsesTurn, api: str, *, native: bool) -> Prepared | None:
        """Prepare a request that goes on from something, or asks for more than an answer."""
        asked, caller, tenant = turn.asked, turn.caller, turn.tenant
        history, conversation = await find_continuation(asked, caller, tenant, self._aside)
        pinned = history.pin is not None
        native = native or pinned  # the account that keeps the chain does the rest of it, too
        tenant.renamer.tags_items = native
        turn.request.envelope = provider_envelope(asked, history, native=native)
        if native and not pinned and asked.previous is not None:
            turn.request.rename = PreviousTold(tenant.renamer, asked.previous)
        await complete(turn.request, asked, history, caller, tenant, self._aside, native=native)
        turn = replace(
            turn,
            stores=turn.stores and not pinned,
            history=history,
            conversation=conversation if api in ANSWERED else None,
        )
        if caller.warms_up:
            await answer_warm_up(turn, native=native)
            return None
        if native or api == "input_tokens":
            return held(turn)
        if api == "compact":
            await answer_window(turn, self._compactor)
            return None
        return await self._answer_or_hand_on(turn)

    async def _answer_or_hand_on(self, turn: ResponsesTurn) -> Prepared | None:
        """Do what a request asks for beyond an answer, or have its model answer it."""
        size = len(turn.request.body)
        if await self._aside.by_size(size, partial(has_trigger, turn)):
            await answer_trigger(turn, self._compactor)
            return None
        tokens = turn.asked.compact_above
        threshold = None if tokens is None else Threshold(self._compactor, turn, tokens)
        if turn.asked.background and not turn.caller.in_background:
            await start_in_background(turn, self._jobs, keeps=self.keeps)
            return None
        return held(turn, threshold)


def says_more(asked: ResponsesRequest, caller: Caller) -> bool:
    """True for a request of a session that wants more than a plain one."""
    return caller.warms_up or not asked.fields.keys() <= REQUEST


async def close_store(store: Store) -> None:
    """Let go of a store, also of one that does not work any more."""
    try:
        await store.close()
    except StoreError as error:
        logger.warning("a store was not closed: %s", error)
