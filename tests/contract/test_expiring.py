"""Credentials that end while requests go on: nobody notices.

Who gives out tokens lives in the same event loop as the router: a renewal that blocked it would
never be answered.
"""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from contract.matrix.features import user
from contract.matrix.world import Tokens
from contract.services.bedrock import service as bedrock
from contract.services.google import service as google
from support.clouds import AWS, ROLE, Google, listening
from support.config import manifest
from support.in_loop import Served, served

LIFE = 3.0
"""Seconds that a token and a session live."""
SECONDS = 6.5
RATE = 20
"""Requests a second."""


class Sessions(dict[str, tuple[str, str | None]]):
    """Keys that STS gave and that have not ended."""

    def __init__(self, sts: AWS) -> None:
        super().__init__()
        self._sts = sts

    def __contains__(self, key: object) -> bool:
        return self._sts.ends.get(str(key).removeprefix("ASIA"), 0.0) > time.time()

    def __getitem__(self, key: str) -> tuple[str, str | None]:
        token = key.removeprefix("ASIA")
        return f"secret of {token}", token


async def load(router: Served, model: str) -> list[int]:
    """The statuses of a steady stream of requests."""
    body = {"model": model, "messages": user()}
    asked = []
    for _ in range(int(SECONDS * RATE)):
        asked.append(asyncio.create_task(router.client.post("/v1/chat/completions", json=body)))
        await asyncio.sleep(1 / RATE)
    return [answer.status_code for answer in await asyncio.gather(*asked)]


async def test_a_google_token_and_an_aws_session_end_under_load_and_no_request_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    issuer, sts = Google(), AWS()
    issuer.life = sts.life = LIFE
    async with (
        listening(issuer.answer) as issuer.url,
        listening(sts.answer) as sts.url,
        google.google_service() as gemini,
        bedrock.bedrock_service() as converse,
    ):
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        gemini.tokens, converse.keys = Tokens(issuer), Sessions(sts)
        keys = {"aws_access_key_id": "AKIAROOT", "aws_secret_access_key": "root"}
        ref = {"name": "keys"}
        credentials = [
            {
                "name": "vertex",
                "type": "VertexAI",
                "baseURL": gemini.url,
                "gcp": {"project": "p1", "location": "global"},
                "secretRef": {**ref, "key": "vertex"},
            },
            {
                "name": "bedrock",
                "type": "Bedrock",
                "baseURL": converse.url,
                "aws": {"region": "us-east-1", "roleARN": ROLE},
                "secretRef": {**ref, "key": "bedrock"},
            },
        ]
        upstream = {"vertex": "gemini-2.5-flash", "bedrock": bedrock.CLAUDE}
        models = [
            {"name": name, "backends": [{"credential": name, "upstreamName": model}]}
            for name, model in upstream.items()
        ]
        secrets = {"vertex": issuer.service_account(), "bedrock": json.dumps(keys)}
        retries = {"retries": {"attempts": 0}}
        text = manifest(credentials, models, secrets=secrets, resilience=retries)
        async with served(text) as router:
            for model in upstream:  # the first request waits for the first token
                await load_once(router, model)
            found = await asyncio.gather(*(load(router, model) for model in upstream))
            assert [set(statuses) for statuses in found] == [{200}, {200}]
            assert len(issuer.ends) > 3
            assert len(sts.ends) > 3


async def load_once(router: Served, model: str) -> None:
    """One request."""
    answer = await router.client.post(
        "/v1/chat/completions", json={"model": model, "messages": user()}
    )
    assert answer.status_code == 200, answer.text
