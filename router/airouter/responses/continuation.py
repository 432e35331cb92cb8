"""The earlier response or the conversation that a request goes on from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.bounds.held_bytes import OF_A_BODY, OF_A_HISTORY
from airouter.dialects.responses.calls import has_twins, with_given_ids
from airouter.dialects.responses.upstream import UNFIT_NAME
from airouter.dialects.spelling import ANY_MARK
from airouter.failures import Failure
from airouter.responses.conversations import ConversationAppender
from airouter.responses.item_ids import names_items, without_tags
from airouter.responses.items import has_references, joined_items
from airouter.responses.records import History
from airouter.responses.references import with_references_resolved
from airouter.responses.request import OURS, THEIRS, known_fields

if TYPE_CHECKING:
    from airouter.dialects.client_request import ClientRequest, Envelope
    from airouter.eventloop.aside import Aside
    from airouter.responses.caller import Caller
    from airouter.responses.request import ResponsesRequest
    from airouter.responses.tenant import Tenant


class Continuation(NamedTuple):
    """The history of a request, and where the response is to be added."""

    history: History = History()
    conversation: ConversationAppender | None = None


async def find_continuation(
    asked: ResponsesRequest, caller: Caller, tenant: Tenant, aside: Aside
) -> Continuation:
    """Find what a request goes on from. Raises `Failure` 400, 404, 503."""
    if asked.previous is not None and asked.conversation is not None:
        what = "'previous_response_id' and 'conversation' cannot be used together."
        raise Failure(400, what, param="conversation", code="mutually_exclusive_parameters")
    if asked.conversation is not None:
        conversations = tenant.conversations
        known = await conversations.find(asked.conversation)
        tenant.recalled.grow(known.size, OF_A_HISTORY)
        items = await aside.by_size(known.size, partial(joined_items, known.items))
        history = History((), items, stored=False)
        return Continuation(history, ConversationAppender(conversations, asked.conversation))
    if asked.previous is not None:
        history = await history_after(asked.previous, asked, caller, tenant, aside)
        if history.pin is not None:
            tenant.renamer.know(history.pin.id, asked.previous)
        return Continuation(history)
    return Continuation()


async def history_after(
    id_: str, asked: ResponsesRequest, caller: Caller, tenant: Tenant, aside: Aside
) -> History:
    """Find the history after a response, wherever it is known. Raises `Failure` 400, 503."""
    known, pin = caller.recall(id_), tenant.pin_of(id_)
    if pin is not None:
        tenant.renamer.know(pin.id, id_)
    if known is None:
        if pin is not None:
            return History(pin=pin)
        return await tenant.archive.history_after(id_, aside, tenant.recalled)
    tenant.recalled.grow(len(known.items), OF_A_BODY)  # beside what the session remembers
    if pin is not None:
        size = len(asked.body)
        if await aside.by_size(size, lambda: reads_alone(asked.items)):
            caller.continue_at(pin, asked.items)
    return known


def reads_alone(items: bytes) -> bool:
    """True for items that read the same without those before them, and to a provider as to us."""
    if UNFIT_NAME.search(items):  # the provider knows the tool by another name
        return False
    return items.find(ANY_MARK) < 0 and not names_items(items) and not has_twins(items)


def provider_envelope(asked: ResponsesRequest, history: History, *, native: bool) -> Envelope:
    """Return the fields for a provider in place of those that are done here."""
    done_here = OURS - THEIRS if native else OURS
    envelope: dict[str, msgspec.Raw | None] = dict.fromkeys(done_here & asked.fields.keys())
    if history.pin is not None:
        envelope["previous_response_id"] = msgspec.Raw(msgspec.json.encode(history.pin.id))
    return envelope


async def complete(
    request: ClientRequest,
    asked: ResponsesRequest,
    history: History,
    caller: Caller,
    tenant: Tenant,
    aside: Aside,
    *,
    native: bool,
) -> None:
    """Put the history before the input, and open what it carries. Raises `Failure` 400, 503."""
    if caller.in_session and not native:
        request.fields = known_fields(request.fields)
    size = len(asked.body) + len(history.items)
    resolves = not (native and not history.items)

    def joined() -> tuple[bytes, bool]:
        items = joined_items((history.items, asked.items))
        return items, resolves and has_references(items)

    def opened() -> None:
        inner = tenant.seals.open(items)
        if names_items(inner):
            if native:
                tenant.item_ids.check(inner)
            inner = without_tags(inner)
        if history.pin is not None:
            inner = with_given_ids(inner)
        if inner != asked.items or request.fields is not asked.fields:
            request.say({**request.fields, "input": msgspec.Raw(b"[" + inner + b"]")})

    items, refers = await aside.by_size(size, joined)
    if refers:
        archive, recalled = tenant.archive, tenant.recalled
        items = await with_references_resolved(items, archive, aside, recalled, all_here=not native)
    await aside.by_size(size, opened)
