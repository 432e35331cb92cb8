"""What makes the Responses API more than one request after the other.

The pipeline hands each request over before it chooses a backend (`begin`): what the request goes on
from is put before its input, what it carries is opened, and what it asks for beyond an answer
(compaction, work in the background) is done here. The other endpoints of the API are in
`endpoints.py`.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.client_request import flag
from airouter.dialects.responses.parse_request import parse_request
from airouter.dialects.responses.render_response import response_object
from airouter.failures import Failure, invalid_field
from airouter.request_context import Prepared
from airouter.responses.asking import (
    OURS,
    REFERENCE,
    REQUEST,
    THEIRS,
    TRIGGER,
    conversation_in,
    is_plain,
    known_fields,
    text_in,
    wants_storing,
)
from airouter.responses.background import Job, Jobs
from airouter.responses.compaction.compactor import Compactor, Usage
from airouter.responses.compaction.items import (
    added_events,
    compaction_object,
    event,
    usage_object,
    whole_item,
    window_of,
)
from airouter.responses.compaction.threshold import Threshold, threshold_in
from airouter.responses.conversations import Appending, Conversations
from airouter.responses.frames import FrameExchange
from airouter.responses.items import inner_of, joined, read, split
from airouter.responses.pinning import Renamer, unpinned
from airouter.responses.records import Archive, Context, StoredResponse
from airouter.responses.references import resolved
from airouter.responses.sealed import ANY_MARK, Seals
from airouter.responses.turn import ResponseTurn, SessionExchange
from airouter.responses.upstream_socket import Parent
from airouter.sealing import Sealer
from airouter.state.absent import NoStore
from airouter.state.base import StoreError
from airouter.state.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from airouter.auth import Principal
    from airouter.config.snapshot import Model, Snapshot
    from airouter.dialects.client_request import ClientRequest, Fields
    from airouter.dialects.conversation import Json
    from airouter.interfaces import Exchange
    from airouter.responses.background import Serve
    from airouter.state.base import Store

logger = logging.getLogger("airouter.responses")

NO_KEYS = (
    "spec.responses.sealing has no keys: what clients carry for this process (reasoning, "
    "compacted conversations, ids that a provider keeps) is sealed with a key of its own, and "
    "cannot be opened by other replicas or after a restart"
)
JSON = [(b"content-type", b"application/json")]
EVENT_STREAM = [(b"content-type", b"text/event-stream")]


class ResponsesService:
    """The Responses API of one process."""

    serve: Serve
    """The pipeline, for requests of our own; set once it is there."""

    def __init__(self, sqlite_path: Path) -> None:
        self._sqlite_path = sqlite_path
        self._own_key = secrets.token_hex(32)
        self._place: tuple[str, str | None] | None = None
        """Where the store is."""
        self._closing: set[asyncio.Task[None]] = set()
        self._keys: tuple[str, ...] | None = None
        self.store: Store = NoStore()
        self.sealer = Sealer([self._own_key])
        self.jobs = Jobs(self._serve)
        self.compactor = Compactor(self._serve)

    @property
    def keeps(self) -> bool:
        """Whether anything is stored here."""
        return not isinstance(self.store, NoStore)

    def reload(self, snapshot: Snapshot) -> None:
        """Use the keys and the store of a snapshot. One that stays where it is keeps its content.

        Raises `ValueError` for a store that cannot be.
        """
        storage = snapshot.storage
        place = storage.type, snapshot.redis_url if storage.type == "Redis" else None
        if place == self._place:
            self.store.bound(storage.ttl, storage.max_entries)
        else:
            former, self.store = self.store, open_store(storage, place[1], self._sqlite_path)
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
        await self.jobs.close()
        await close_store(self.store)

    async def _serve(self, exchange: Exchange) -> None:
        await self.serve(exchange)

    def archive_of(self, principal: Principal) -> Archive:
        """What a principal's responses are kept in."""
        return Archive(self.store, principal.tenant)

    def conversations_of(self, principal: Principal) -> Conversations:
        """A principal's conversations."""
        return Conversations(self.store, principal.tenant)

    async def prepare(
        self,
        exchange: Exchange,
        principal: Principal,
        request: ClientRequest,
        model: Model,
        *,
        api: str,
        native: bool,
    ) -> Prepared | None:
        """See `request_context.Prepare`."""
        turn = await self._begin(exchange, principal, request, model, api=api, native=native)
        if not isinstance(turn, ResponseTurn):
            return None if turn is None else Prepared(exchange)
        frame = exchange if isinstance(exchange, FrameExchange) else None
        return Prepared(
            turn,
            turn.pinned,
            frame.near if frame else None,
            frame,
            turn.settle,
        )

    async def _begin(
        self,
        exchange: Exchange,
        principal: Principal,
        request: ClientRequest,
        model: Model,
        *,
        api: str,
        native: bool,
    ) -> Exchange | None:
        fields, tenant = request.fields, principal.tenant
        in_session = isinstance(exchange, SessionExchange)
        if in_session and flag(fields, "background"):
            raise invalid_field("background", "A session has no responses in the background.")
        may_store = wants_storing(fields)
        plain = api != "compact" and is_plain(request)
        if plain and native and not (may_store or in_session):
            return exchange  # with the provider's own id, as it leads nowhere
        request.rename = renamer = Renamer(self.sealer, tenant)
        stores = False
        seals = Seals(self.sealer, tenant)
        if not native:
            request.seal = seals.seal
            request.answer_id = exchange.id if isinstance(exchange, Job) else new_id()
            stores = self.keeps and api in ANSWERED and may_store
        if plain and not (stores or in_session):
            return exchange
        archive = self.archive_of(principal)
        turn = ResponseTurn(exchange, request, seals=seals, renamer=renamer, archive=archive)
        turn.stores = stores
        turn.items = inner_of(fields.get("input"))
        if plain and not says_more(exchange, request):
            return turn
        return await self._go_on(turn, principal, model, api=api, native=native)

    async def _go_on(
        self, turn: ResponseTurn, principal: Principal, model: Model, *, api: str, native: bool
    ) -> Exchange | None:
        """The same for one that goes on from something, or asks for more than an answer."""
        await self._continue(turn, principal, native=native)
        if api != "responses":  # nothing is said, so nothing is added
            turn.conversation = None
        if turn.pinned is not None:  # the account that keeps the chain does the rest of it, too
            native, turn.stores = True, False
        await self._complete(turn, native=native)
        if isinstance(turn.exchange, FrameExchange) and turn.exchange.warms_up:
            await self._warm_up(turn, native=native)
            return None
        if native or api == "input_tokens":
            return turn
        if api == "compact":
            await self._compact_window(turn, model)
            return None
        return await self._extras(turn, model)

    # What a request goes on from.

    async def _continue(self, turn: ResponseTurn, principal: Principal, *, native: bool) -> None:
        """Find it. Raises `Failure`."""
        fields = turn.request.fields
        previous = text_in(fields, "previous_response_id")
        conversation = conversation_in(fields)
        if previous is not None and conversation is not None:
            what = "'previous_response_id' and 'conversation' cannot be used together."
            raise Failure(400, what, param="conversation", code="mutually_exclusive_parameters")
        if conversation is not None:
            conversations = self.conversations_of(principal)
            known = await conversations.find(conversation)
            turn.conversation = Appending(conversations, conversation)
            turn.context = Context((), joined(known.items), stored=False)
        elif previous is not None:
            turn.context = await self._context_of(previous, turn, principal)
        pin = turn.context.pin
        done_here = OURS - THEIRS if native or pin else OURS
        envelope: dict[str, msgspec.Raw | None] = dict.fromkeys(done_here & fields.keys())
        if pin is not None:
            turn.pinned = pin.credential
            turn.renamer.know(pin.id, previous or "")
            envelope["previous_response_id"] = msgspec.Raw(msgspec.json.encode(pin.id))
        turn.request.envelope = envelope

    async def _context_of(self, id_: str, turn: ResponseTurn, principal: Principal) -> Context:
        """What goes on from a response, wherever it is known. Raises `Failure`."""
        inner = turn.exchange
        known = inner.recall(id_) if isinstance(inner, SessionExchange) else None
        pin = unpinned(id_, self.sealer, principal.tenant)
        if known is None:
            return await turn.archive.context_of(id_) if pin is None else Context(pin=pin)
        if pin is not None:
            turn.renamer.know(pin.id, id_)
            if isinstance(inner, FrameExchange) and is_new(turn.items):
                inner.parent = Parent(pin, turn.items)
        return known

    async def _complete(self, turn: ResponseTurn, *, native: bool) -> None:
        """Put what it goes on from before its input, and open what it carries."""
        request = turn.request
        if isinstance(turn.exchange, FrameExchange) and not native:
            request.fields = known_fields(request.fields)
        inner = joined((turn.context.items, turn.items))
        if inner.find(REFERENCE) >= 0 and not (native and not turn.context.items):
            inner = await resolved(inner, turn.archive, all_here=not native)
        inner = turn.seals.open(inner)
        if inner == turn.items and request.fields is turn.given:
            return
        request.fields = {**request.fields, "input": msgspec.Raw(b"[" + inner + b"]")}
        request.body = msgspec.json.encode(request.fields)

    # What a request asks for beyond an answer.

    async def _extras(self, turn: ResponseTurn, model: Model) -> Exchange | None:
        request, exchange = turn.request, turn.exchange
        opened = inner_of(request.fields.get("input"))
        if opened.find(TRIGGER) >= 0 and await self._compact(turn, model, opened):
            return None
        tokens = threshold_in(request.fields.get("context_management"))
        if tokens is not None:
            turn.threshold = Threshold(
                self.compactor,
                turn.seals,
                tokens,
                items=opened,
                headers=exchange.headers,
                name=request.model,
                model=model,
            )
        if isinstance(exchange, Job) or not flag(request.fields, "background"):
            return turn
        await self._put_in_background(turn)
        return None

    async def _compact_window(self, turn: ResponseTurn, model: Model) -> None:
        """Answer `/v1/responses/compact`. Raises `Failure`."""
        items = split(inner_of(turn.request.fields.get("input")))
        if not items:
            raise Failure(400, "Missing required parameter: 'input'.", param="input")
        summary = await self.compactor.compact(
            items,
            headers=turn.headers,
            name=turn.request.model,
            model=model,
        )
        body = compaction_object(window_of(summary, turn.seals), summary.usage)
        turn.exchange.respond(200, JSON, body)

    async def _compact(self, turn: ResponseTurn, model: Model, opened: bytes) -> bool:
        """Answer a request whose last item asks for compaction; False for any other."""
        *items, last = split(opened)
        if read(last).type != "compaction_trigger":
            return False
        request = turn.request
        summary = await self.compactor.compact(
            items,
            headers=turn.headers,
            name=request.model,
            model=model,
        )
        item = whole_item(summary, turn.seals)
        begun = begun_response(request, request.fields)
        response = {
            **begun,
            "status": "completed",
            "completed_at": int(time.time()),
            "output": [item],
            "usage": usage_object(summary.usage),
        }
        if not request.stream:
            turn.respond(200, JSON, msgspec.json.encode(response))
        else:
            turn.start(200, EVENT_STREAM)
            turn.write(event("response.created", 0, {"response": begun}))
            turn.write(event("response.in_progress", 1, {"response": begun}))
            turn.write(added_events(item, 0, 2))
            turn.write(event("response.completed", 4, {"response": response}))
        await turn.settle()
        return True

    async def _warm_up(self, turn: ResponseTurn, *, native: bool) -> None:
        """Answer with nothing, for a client that goes on from it.

        Tools that only the provider knows are for it to check, with the first response.
        """
        fields = turn.request.fields
        if native:
            fields = {name: fields[name] for name in fields if name in PLAIN}
        begun = begun_response(turn.request, fields)
        usage = usage_object(Usage())
        whole = {"status": "completed", "completed_at": begun["created_at"], "usage": usage}
        turn.start(200, EVENT_STREAM)
        turn.write(event("response.created", 0, {"response": begun}))
        turn.write(event("response.in_progress", 1, {"response": begun}))
        turn.write(event("response.completed", 2, {"response": begun | whole}))
        await turn.settle()

    async def _put_in_background(self, turn: ResponseTurn) -> None:
        """Answer at once, and let a job do the rest. Raises `Failure` 400, 429, 503."""
        if not turn.stores:
            what = "A response in the background must be stored: leave out 'store': false."
            if not self.keeps:
                what = "This router stores no responses, so it makes none in the background."
            raise invalid_field("background", what)
        request, exchange = turn.request, turn.exchange
        parse_request(request.body)
        queued = {**begun_response(request, request.fields), "status": "queued"}
        record = StoredResponse(
            id=queued["id"],
            response=msgspec.json.encode(queued),
            items=turn.items,
            model=request.model,
            beat=time.time(),
        )
        body = msgspec.json.encode({**turn.given, "stream": True, "store": True})
        await self.jobs.start(dict(exchange.headers), body, record, turn.archive)
        if not request.stream:
            exchange.respond(200, JSON, record.response)
            return
        exchange.start(200, EVENT_STREAM)
        async for events in self.jobs.follow(turn.archive, record.id, -1):
            exchange.write(events)
        exchange.end()


async def close_store(store: Store) -> None:
    """Let go of a store, also of one that does not work any more."""
    try:
        await store.close()
    except StoreError as error:
        logger.warning("a store was not closed: %s", error)


ANSWERED = ("responses", "session")
"""What is asked for where a model answers."""
PLAIN = frozenset({"model", "instructions", "metadata", "previous_response_id", "store"})
"""What a response repeats of any request."""


def says_more(exchange: Exchange, request: ClientRequest) -> bool:
    """Whether a session says something that a plain request does not."""
    if not isinstance(exchange, FrameExchange):
        return False
    return exchange.warms_up or not request.fields.keys() <= REQUEST


def is_new(items: bytes) -> bool:
    """Whether items read the same without those before them, and to a provider as to us."""
    return items.find(ANY_MARK) < 0 and items.find(REFERENCE) < 0


def new_id() -> str:
    """The id of a response, which nobody guesses."""
    return f"resp_{secrets.token_hex(16)}"


def begun_response(request: ClientRequest, fields: Fields) -> Json:
    """The response to a request that no model has begun to answer. Raises `Failure` 400."""
    body = msgspec.json.encode({**fields, "input": "-"})
    conversation = parse_request(body)
    seed = (request.answer_id or new_id()).removeprefix("resp_")
    return response_object(conversation, seed, request.model, int(time.time()))
