"""`/v1/conversations`: objects that hold the items of many responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request, Response

from airouter.api.asgi import read_exchange
from airouter.api.parts import parts_of, principal_of
from airouter.api.responses import page_of
from airouter.dialects.checking import checked_body
from airouter.dialects.client_request import check_large
from airouter.eventloop.aside import LARGE
from airouter.failures import Failure, invalid_field

if TYPE_CHECKING:
    from fastapi import APIRouter

    from airouter.eventloop.aside import Aside
    from airouter.responses.conversations import Conversations, StoredConversation

PATH = "/v1/conversations"
JSON = "application/json"
ABSENT = msgspec.Raw(b"")
LARGEST_METADATA = 131_072
"""Bytes: as many pairs as there may be have room, however they are escaped."""


class GivenMetadata(msgspec.Struct):
    """The metadata of a body."""

    metadata: dict[str, str] | None = None


class ConversationBody(msgspec.Struct):
    """The body of a request that creates or changes a conversation."""

    given: msgspec.Raw = msgspec.field(name="metadata", default=ABSENT)
    items: list[msgspec.Raw] | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata. Raises `Failure` 400."""
        if len(memoryview(self.given)) > LARGEST_METADATA:
            raise invalid_field("metadata", f"'metadata' has at most {LARGEST_METADATA} bytes.")
        if self.given == ABSENT:
            return {}
        return checked_body(b'{"metadata":%b}' % bytes(self.given), _metadata).metadata or {}


_body = msgspec.json.Decoder(ConversationBody)
_metadata = msgspec.json.Decoder(GivenMetadata)


def add_conversations(routes: APIRouter) -> None:
    """Create, read, change and delete conversations and their items."""
    add_objects(routes)
    add_items(routes)


def conversations(request: Request) -> Conversations:
    """Return the conversations of who asks. Raises `Failure` 400, 401, 503."""
    service = parts_of(request).responses
    if not service.keeps:
        what = "This router stores no responses, so it has no conversations."
        raise Failure(400, what, code="storage_disabled")
    return service.tenant_of(principal_of(request)).conversations


def add_objects(routes: APIRouter) -> None:
    """Add the endpoints of conversations."""

    @routes.post(PATH, tags=["OpenAI"], response_model=None)
    async def create_conversation(request: Request) -> Response:
        mine = conversations(request)
        body = await read_body(request, mine.aside)
        return described(await mine.create(body.metadata, body.items or []))

    @routes.get(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def retrieve_conversation(conversation_id: str, request: Request) -> Response:
        return described(await conversations(request).find(conversation_id))

    @routes.post(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def update_conversation(conversation_id: str, request: Request) -> Response:
        mine = conversations(request)
        body = await read_body(request, mine.aside)
        if body.given == ABSENT:
            raise missing("metadata")
        return described(await mine.describe(conversation_id, body.metadata))

    @routes.delete(PATH + "/{conversation_id}", tags=["OpenAI"], response_model=None)
    async def delete_conversation(conversation_id: str, request: Request) -> Response:
        await conversations(request).forget(conversation_id)
        return answer({"id": conversation_id, "object": "conversation.deleted", "deleted": True})


def add_items(routes: APIRouter) -> None:
    """Add the endpoints of conversations' items."""

    @routes.get(PATH + "/{conversation_id}/items", tags=["OpenAI"], response_model=None)
    async def list_items(conversation_id: str, request: Request) -> Response:
        page = page_of(dict(request.query_params))
        return Response(await conversations(request).page(conversation_id, page), media_type=JSON)

    @routes.post(PATH + "/{conversation_id}/items", tags=["OpenAI"], response_model=None)
    async def create_items(conversation_id: str, request: Request) -> Response:
        mine = conversations(request)
        body = await read_body(request, mine.aside)
        if body.items is None:
            raise missing("items")
        return Response(await mine.add(conversation_id, body.items), media_type=JSON)

    @routes.get(PATH + "/{conversation_id}/items/{item_id}", tags=["OpenAI"], response_model=None)
    async def retrieve_item(conversation_id: str, item_id: str, request: Request) -> Response:
        return Response(
            await conversations(request).item(conversation_id, item_id), media_type=JSON
        )

    @routes.delete(
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


async def read_body(request: Request, aside: Aside) -> ConversationBody:
    """Read a body. Raises `Failure` 400, 413, 415, 503."""
    body = (await read_exchange(request, parts_of(request).body_limit)).body or b"{}"

    def read() -> ConversationBody:
        if len(body) > LARGE:
            check_large(body)
        return checked_body(body, _body)

    return await aside.by_size(len(body), read)


def missing(name: str) -> Failure:
    """A body that lacks a required field."""
    return Failure(400, f"Missing required parameter: '{name}'.", param=name)
