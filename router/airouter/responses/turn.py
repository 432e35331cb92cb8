"""One request of the Responses API with all that it goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.config.snapshot import Model
    from airouter.dialects.client_request import ClientRequest
    from airouter.eventloop.aside import Aside
    from airouter.interfaces import Exchange
    from airouter.responses.caller import Caller
    from airouter.responses.conversations import ConversationAppender
    from airouter.responses.records import History
    from airouter.responses.request import ResponsesRequest
    from airouter.responses.tenant import Tenant


@dataclass(frozen=True, slots=True)
class ResponsesTurn:
    """A request on its way to a model, or to what answers it in the model's place."""

    exchange: Exchange
    caller: Caller
    asked: ResponsesRequest
    """The request as its client sent it."""
    request: ClientRequest
    """The request as dialects read it: with its history, and opened."""
    model: Model
    tenant: Tenant
    aside: Aside
    stores: bool
    """Whether the response is to be kept here."""
    history: History
    conversation: ConversationAppender | None = None
    """The conversation that the response is added to."""
    native: bool = False
    """True where every backend of the model keeps responses itself; a fallback may not."""
