"""`/v1/conversations`: objects that hold the items of many responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request, Response

from airouter.api.asgi import read_exchange
from airouter.api.responses import page_of
from airouter.dialects.checking import checked_body
from airouter.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import FastAPI

    from airouter.auth import Principal
    from airouter.responses.conversations import Conversations, StoredConversation
    from airouter.responses.service import ResponsesService

    Mine = Callable[[Request], Conversations]
    """Maps a request to its principal's conversations."""

PATH = "/v1/conversations"
JSON = "application/json"


class ConversationBody(msgspec.Struct):
    """The body of a request that creates or changes a conversation."""

    metadata: dict[str, str] | msgspec.UnsetType | None = msgspec.UNSET
    items: list[msgspec.Raw] | None = None


_body = msgspec.json.Decoder(ConversationBody)


def add_conversations(
    application: FastAPI,
    service: ResponsesService,
    principal_of: Callable[[Request], Principal],
    body_limit: int,
) -> None:
    """Create, read, change and delete conversations and their items."""

    def conversations(request: Request) -> Conversations:
        if not service.keeps:
            what = "This router stores no responses, so it has no conversations."
            raise Failure(400, what, code="storage_disabled")
        return service.tenant_of(principal_of(request)).conversations

    add_objects(application, conversations, body_limit)
    add_items(application, conversations, body_limit)


def add_objects(application: FastAPI, conversations: Mine, body_limit: int) -> None:
    """Add the endpoints of conversations."""

    @application.post(PATH, tags=["OpenAI"], response_model=None)
    async def create_conversation(request: Request) -> Response:
        mine, body = conversations(request), await read_body(request, body_limit)
        return described(await mine.create(body.metadata or {}, body.items or []))

    @application.get(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def retrieve_conversation(conversation_id: str, request: Request) -> Response:
        return described(await conversations(request).find(conversation_id))

    @application.post(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def update_conversation(conversation_id: str, request: Request) -> Response:
        mine, body = conversations(request), await read_body(request, body_limit)
        if body.metadata is msgspec.UNSET:
            raise missing("metadata")
        return described(await mine.describe(conversation_id, body.metadata or {}))

    @application.delete(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def delete_conversation(conversation_id: str, request: Request) -> Response:
        await conversations(request).forget(conversation_id)
        return answer({"id": conversation_id, "object": "conversation.deleted", "deleted": True})


def add_items(application: FastAPI, conversations: Mine, body_limit: int) -> None:
    """Add the endpoints of conversations' items."""

    @application.get(PATH + "/{conversation_id}/items", tags=["OpenAI"], response_model=None)
    async def list_items(conversation_id: str, request: Request) -> Response:
        known = await conversations(request).find(conversation_id)
        page = page_of(dict(request.query_params))
        return Response(page.of([msgspec.Raw(item) for item in known.items]), media_type=JSON)

    @application.post(PATH + "/{conversation_id}/items", tags=["OpenAI"], response_model=None)
    async def create_items(conversation_id: str, request: Request) -> Response:
        mine, body = conversations(request), await read_body(request, body_limit)
        if body.items is None:
            raise missing("items")
        added = await mine.add(conversation_id, body.items)
        page = page_of({"order": "asc", "limit": "100"})
        return Response(page.of(added), media_type=JSON)

    @application.get(
        PATH + "/{conversation_id}/items/{item_id}", tags=["OpenAI"], response_model=None
    )
    async def retrieve_item(conversation_id: str, item_id: str, request: Request) -> Response:
        return Response(
            bytes(await conversations(request).item(conversation_id, item_id)), media_type=JSON
        )

    @application.delete(
        PATH + "/{conversation_id}/items/{item_id}", tags=["OpenAI"], response_model=None
    )
    async def delete_item(conversation_id: str, item_id: str, request: Request) -> Response:
        return described(await conversations(request).remove(conversation_id, item_id))


def described(conversation: StoredConversation) -> Response:
    """Return a conversation as a response."""
    return answer(conversation.as_json())


def answer(body: dict[str, Any]) -> Response:
    """Return a body as a response."""
    return Response(msgspec.json.encode(body), media_type=JSON)


async def read_body(request: Request, limit: int) -> ConversationBody:
    """Read a body. Raises `Failure` 400, 413, 415."""
    return checked_body((await read_exchange(request, limit)).body or b"{}", _body)


def missing(name: str) -> Failure:
    """A body that lacks a required field."""
    return Failure(400, f"Missing required parameter: '{name}'.", param=name)
