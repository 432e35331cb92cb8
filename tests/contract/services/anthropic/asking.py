"""A bare request to the strict Anthropic, with a key and a version unless told otherwise."""

from __future__ import annotations

from typing import Any

import httpx

from contract.services.anthropic.request import OLDER
from contract.services.anthropic.service import KEY, AnthropicService
from support.http_client import http_client

VERTEX = "/v1/projects/p-1/locations/us-east5/publishers/anthropic/models"


async def post(
    service: AnthropicService,
    body: Any,
    path: str = "/v1/messages",
    /,
    **headers: str | None,
) -> httpx.Response:
    usual = {"x-api-key": KEY, "anthropic-version": OLDER}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {name: value for name, value in (usual | named).items() if value is not None}
    async with http_client(trust_env=False) as client:
        return await client.post(f"{service.url}{path}", json=body, headers=sent)
