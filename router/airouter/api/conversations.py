"""`/v1/conversations`: objects that hold the items of many responses."""

from __future__ import annotations

from functools import partial
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
    from airouter.eventloop.aside import Aside
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
        mine = conversations(request)
        body = await read_body(request, mine.aside, body_limit)
        return described(await mine.create(body.metadata or {}, body.items or []))

    @application.get(PATH + "/{id_}", tags=["OpenAI"], response_model=None)
    async def retrieve_conversation(id_: str, request: Request) -> Response:
        return described(await conversations(request).find(id_))

    @application.post(PATH + "/{id_}", tags=["OpenAI"], response_model=None)
    async def update_conversation(id_: str, request: Request) -> Response:
        mine = conversations(request)
        body = await read_body(request, mine.aside, body_limit)
        if body.metadata is msgspec.UNSET:
            raise missing("metadata")
        return described(await mine.describe(id_, body.metadata or {}))

    @application.delete(PATH + "/{id_}", tags=["OpenAI"], response_model=None)
    async def delete_conversation(id_: str, request: Request) -> Response:
        await conversations(request).forget(id_)
        return answer({"id": id_, "object": "conversation.deleted", "deleted": True})


def add_items(application: FastAPI, conversations: Mine, body_limit: int) -> None:
    """Add the endpoints of conversations' items."""

    @application.get(PATH + "/{id_}/items", tags=["OpenAI"], response_model=None)
    async def list_items(id_: str, request: Request) -> Response:
        page = page_of(dict(request.query_params))
        return Response(await conversations(request).page(id_, page), media_type=JSON)

    @application.post(PATH + "/{id_}/items", tags=["OpenAI"], response_model=None)
    async def create_items(id_: str, request: Request) -> Response:
        mine = conversations(request)
        body = await read_body(request, mine.aside, body_limit)
        if body.items is None:
            raise missing("items")
        return Response(await mine.add(id_, body.items), media_type=JSON)

    @application.get(PATH + "/{id_}/items/{item}", tags=["OpenAI"], response_model=None)
    async def retrieve_item(id_: str, item: str, request: Request) -> Response:
        return Response(await conversations(request).item(id_, item), media_type=JSON)

    @application.delete(PATH + "/{id_}/items/{item}", tags=["OpenAI"], response_model=None)
    async def delete_item(id_: str, item: str, request: Request) -> Response:
        return described(await conversations(request).remove(id_, item))


def described(conversation: StoredConversation) -> Response:
    """Return a conversation as a response."""
    return answer(conversation.as_json())


def answer(body: dict[str, Any]) -> Response:
    """Return a body as a response."""
    return Response(msgspec.json.encode(body), media_type=JSON)


async def read_body(request: Request, aside: Aside, limit: int) -> ConversationBody:
    """Read a body. Raises `Failure` 400, 413, 415, 503."""
    body = (await read_exchange(request, limit)).body or b"{}"
    return await aside.by_size(len(body), partial(checked_body, body, _body))


def missing(name: str) -> Failure:
    """A body that lacks a required field."""
    return Failure(400, f"Missing required parameter: '{name}'.", param=name)
