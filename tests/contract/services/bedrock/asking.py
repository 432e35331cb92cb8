"""Ways to ask the strict Bedrock: boto3, and a bare request with a bearer token."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import boto3  # type: ignore[import-untyped]  # it has no types
import httpx
from botocore.config import Config

from contract.services.bedrock.service import BEARER, KEYS, BedrockService
from contract.services.stand_in import Body
from support.http_client import http_client

KEY, (SECRET, _) = next(iter(KEYS.items()))


def client(
    service: BedrockService,
    *keys: str | None,
    name: str = "bedrock-runtime",
    region: str | None = None,
) -> Any:
    """boto3, which tries once."""
    key, secret, token = (*keys, None) if len(keys) == 2 else keys or (KEY, SECRET, None)
    return boto3.client(
        name,
        endpoint_url=service.url,
        region_name=region or service.region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


async def post(
    service: BedrockService, model: str, method: str, body: Body, *, bearer: str = BEARER
) -> httpx.Response:
    async with http_client(trust_env=False) as http:
        url = f"{service.url}/model/{quote(model, safe='')}/{method}"
        head = {"authorization": f"Bearer {bearer}", "content-type": "application/json"}
        return await http.post(url, content=json.dumps(body), headers=head)
