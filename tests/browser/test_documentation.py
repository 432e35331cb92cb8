"""The page at `/docs` in a real browser, where each endpoint is tried on the built-in models."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from playwright.async_api import Locator, Page, expect

from airouter.config import builtin
from support.in_loop import Served, served

DRAWING = "/v1/images/generations"
"""No built-in model draws."""
LAST = ("delete", "cancel", "admin")
"""What ends or bans something comes after all that need it."""
TRIES, SENDING = 4, 15_000
"""A form that is drawn anew while it is filled in sends nothing. Milliseconds."""


async def authorize(page: Page, router: Served) -> None:
    await page.goto(f"http://127.0.0.1:{router.port}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    await page.locator(".auth-container input").first.fill(builtin.MASTER_KEY)
    await page.locator(".auth-container button[type=submit]").first.click()
    await page.get_by_role("button", name="Close").first.click()


async def opened(page: Page, method: str, path: str) -> Locator:
    """An endpoint, with its form."""
    summary = page.locator(f'.opblock-summary-path[data-path="{path}"]')
    operation = page.locator(f".opblock-{method}").filter(has=summary)
    await operation.locator(".opblock-summary-control").click()
    return operation


async def tried(operation: Locator, given: Mapping[str, str], body: str | None = None) -> str:
    """The answer to the example, or to another body, with these parameters of the path."""
    answer = operation.locator(".live-responses-table .response")
    status = answer.locator(".response-col_status")
    for _ in range(TRIES):
        await fill_in(operation, given, body)
        await operation.get_by_role("button", name="Execute").click()
        with contextlib.suppress(AssertionError):
            await expect(status).to_be_visible(timeout=SENDING)
            break
    await expect(status).to_contain_text("200")
    return await answer.inner_text()


async def fill_in(operation: Locator, given: Mapping[str, str], body: str | None) -> None:
    for row in await operation.locator('tr[data-param-in="path"]').all():
        field = row.locator("input")
        await field.fill(given[await row.get_attribute("data-param-name") or ""])
        await field.blur()
    if body is not None:
        await operation.locator("textarea.body-param__text").fill(body)


async def things(router: Served) -> dict[str, str]:
    """What the parameters of paths name."""
    client = router.client
    hello = {"model": "mock-echo", "input": "Hello!", "background": True}
    response = (await client.post("/v1/responses", json=hello)).json()
    items = {"items": [{"type": "message", "role": "user", "content": "Hello!"}]}
    conversation = (await client.post("/v1/conversations", json=items)).json()
    listed = (await client.get(f"/v1/conversations/{conversation['id']}/items")).json()
    return {
        "response_id": response["id"],
        "conversation_id": conversation["id"],
        "item_id": listed["data"][0]["id"],
        "name": "mock-echo",
        "credential": "echo",
    }


async def test_every_endpoint_can_be_tried_as_it_is_shown(page: Page) -> None:
    async with served(builtin.MANIFEST) as router:
        router.client.headers["authorization"] = f"Bearer {builtin.MASTER_KEY}"
        given = await things(router)
        document: Any = (await router.client.get("/openapi.json")).json()
        operations = [
            (method, path)
            for path, methods in document["paths"].items()
            for method in methods
            if path != DRAWING
        ]
        operations.sort(
            key=lambda each: (any(word in "/".join(each) for word in LAST), -len(each[1]))
        )
        await authorize(page, router)
        for method, path in operations:
            operation = await opened(page, method, path)
            await tried(operation, given)
            await operation.locator(".opblock-summary-control").click()


async def test_a_stream_is_shown_as_its_events(page: Page) -> None:
    async with served(builtin.MANIFEST) as router:
        await authorize(page, router)
        operation = await opened(page, "post", "/v1/chat/completions")
        message = {"role": "user", "content": "Hello!"}
        body = {"model": "mock-echo", "messages": [message], "stream": True}
        assert "data: [DONE]" in await tried(operation, {}, json.dumps(body))
