"""The strict Anthropic refuses what the real one refuses, and each of its rules fires."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from contract.services.anthropic.answers import Turn, redacted_thinking, text, thinking
from contract.services.anthropic.asking import VERTEX, post
from contract.services.anthropic.breaches import REFUSED
from contract.services.anthropic.models import model_named
from contract.services.anthropic.refusals import Refusal
from contract.services.anthropic.request import NEWER, OLDER, Request
from contract.services.anthropic.rules import RULES
from contract.services.anthropic.samples import (
    ACCEPTED,
    HELLO,
    MIDDLE,
    MISSHAPEN,
    NEWEST,
    NEWLY_REFUSED,
    OLD,
    UNCOUNTED,
    Case,
    changed,
    said,
)
from contract.services.anthropic.service import (
    KEY,
    MAX_BODY,
    VERTEX_TOKEN,
    AnthropicService,
    anthropic_service,
)


@pytest.fixture
async def service() -> AsyncIterator[AnthropicService]:
    async with anthropic_service() as service:
        yield service


def named(cases: list[Case]) -> list[Any]:
    return [pytest.param(*case, id=name) for name, *case in cases]


@pytest.mark.parametrize(("fields", "begin"), named(MISSHAPEN + REFUSED))
async def test_what_anthropic_refuses_is_refused(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    response = await post(service, changed(fields, max_tokens=9))
    answer = response.json()
    refusal = service.note_refusal()
    assert refusal.message.startswith(begin)
    assert (response.status_code, answer["type"]) == (400, "error")
    assert answer["error"] == {"type": "invalid_request_error", "message": refusal.message}


@pytest.mark.parametrize(("fields", "begin"), named(NEWLY_REFUSED))
async def test_what_only_the_newer_version_refuses(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    body = changed(fields, max_tokens=9)
    assert (await post(service, body)).status_code == 200
    assert (await post(service, body, anthropic_version=NEWER)).status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize(("fields", "begin"), named(UNCOUNTED))
async def test_what_is_not_counted(
    service: AnthropicService, fields: dict[str, Any], begin: str
) -> None:
    response = await post(service, changed(fields), "/v1/messages/count_tokens")
    assert response.status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_refuses_something(rule: Callable[[Request], None]) -> None:
    """Those `alone` need a signature of the service, and a test of their own."""

    def refuses(fields: dict[str, Any], version: str, counting: bool) -> bool:
        body = changed(fields, max_tokens=9)
        model = model_named(body["model"])
        assert model is not None
        try:
            rule(Request(body, model, version, counting))
        except Refusal:
            return True
        return False

    tried = [(fields, OLDER, False) for _, fields, _ in REFUSED]
    tried += [(fields, NEWER, False) for _, fields, _ in NEWLY_REFUSED]
    tried += [(fields, OLDER, True) for _, fields, _ in UNCOUNTED]
    alone = {"thoughts_are_complete", "thinking_leads_to_something"}
    assert rule.__name__ in alone or any(refuses(*each) for each in tried)


@pytest.mark.parametrize("fields", [pytest.param(each, id=name) for name, each in ACCEPTED])
async def test_what_anthropic_takes_is_taken(
    service: AnthropicService, fields: dict[str, Any]
) -> None:
    response = await post(service, changed(fields, max_tokens=9))
    assert response.status_code == 200, response.text


def replayed(answer: dict[str, Any], *blocks: int, **change: str) -> list[Any]:
    """A history with some blocks of an answer, the first of them changed."""
    first, *rest = [answer["content"][index] for index in blocks]
    return said("Hi", [first | change, *rest], "Go on.")


@pytest.mark.parametrize(
    ("model", "blocks", "change", "begin"),
    [
        (OLD, (0, 2), {"signature": "eHg="}, "messages.1.content.0: Invalid `signature` in"),
        (OLD, (0, 2), {"thinking": "Aha."}, "messages.1.content.0: `thinking` or `redacted"),
        (OLD, (0, 2), {}, "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the"),
        (OLD, (1, 0, 2), {}, "messages.1.content.0: `thinking` or `redacted_thinking` blocks in"),
        (OLD, (0, 1), {}, "messages.1: The final block in an assistant message cannot be"),
        (MIDDLE, (0, 1, 2), {}, "messages.1.content.0: Invalid `signature` in `thinking` block"),
    ],
    ids=["signature", "text", "incomplete", "order", "nothing follows", "another model"],
)
async def test_thoughts_come_back_as_they_were(
    service: AnthropicService,
    model: str,
    blocks: tuple[int, ...],
    change: dict[str, str],
    begin: str,
) -> None:
    service.turns.append(Turn((thinking("Hmm."), redacted_thinking(), text("x"))))
    answer = (await post(service, changed({}, max_tokens=9))).json()
    again = changed({"messages": replayed(answer, 0, 1, 2)}, max_tokens=9)
    assert (await post(service, again)).status_code == 200
    body = changed({"model": model, "messages": replayed(answer, *blocks, **change)}, max_tokens=9)
    assert (await post(service, body)).status_code == 400
    assert service.note_refusal().message.startswith(begin)


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"x_api_key": None}, 401, "x-api-key header is required"),
        ({"x_api_key": "sk-other"}, 401, "invalid x-api-key"),
        ({"x_api_key": "sk-other", "authorization": f"Bearer {KEY}"}, 401, "invalid x-api-key"),
        ({"x_api_key": None, "authorization": "Bearer x"}, 401, "Invalid bearer token"),
        ({"anthropic_version": None}, 400, "anthropic-version: header is required"),
        ({"anthropic_version": "2020"}, 400, 'anthropic-version: "2020" is not a valid version'),
        ({"anthropic_beta": "time-travel"}, 400, "Unexpected value(s) `time-travel` for the"),
    ],
)
async def test_it_reads_the_headers(
    service: AnthropicService, headers: dict[str, str | None], status: int, message: str
) -> None:
    response = await post(service, changed({}, max_tokens=9), **headers)
    assert response.status_code == service.note_refusal().status == status
    assert response.json()["error"]["message"].startswith(message)


async def test_a_key_may_come_as_a_bearer(service: AnthropicService) -> None:
    body = changed({}, max_tokens=9)
    answer = await post(service, body, x_api_key=None, authorization=f"Bearer {KEY}")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/messages", changed({"model": "claude-0"}, max_tokens=9), 404, "model: claude-0"),
        ("/v1/message", {}, 404, "Not Found"),
        ("/v1/messages", [], 400, "Input should be a valid dictionary"),
        ("/v1/messages", "x" * MAX_BODY, 413, "Request exceeds the maximum size"),
    ],
    ids=["model", "path", "no object", "size"],
)
async def test_it_knows_its_models_its_paths_and_its_limits(
    service: AnthropicService, path: str, body: Any, status: int, message: str
) -> None:
    response = await post(service, body, path)
    assert response.status_code == service.note_refusal().status == status
    assert response.json()["error"]["message"] == message


@pytest.mark.parametrize(
    ("model", "fields", "token", "status", "message"),
    [
        (NEWEST, {}, "ya29.old", "UNAUTHENTICATED", "Request had invalid authentication"),
        ("claude-0", {}, VERTEX_TOKEN, "NOT_FOUND", f"Publisher Model `{VERTEX[4:]}/claude-0` was"),
        (MIDDLE, {}, VERTEX_TOKEN, "NOT_FOUND", "Publisher Model"),
        (NEWEST, {"model": NEWEST}, VERTEX_TOKEN, None, "model: Extra inputs are not permitted"),
        (NEWEST, {"stream": True}, VERTEX_TOKEN, None, "stream: Input should be true for stream"),
        (NEWEST, {"anthropic_version": ...}, VERTEX_TOKEN, None, "anthropic_version: Field"),
        (NEWEST, {"anthropic_version": OLDER}, VERTEX_TOKEN, None, "anthropic_version: Input"),
        (NEWEST, {"temperature": 1}, VERTEX_TOKEN, None, "`temperature` is deprecated for this"),
        (NEWEST, {"system": "x-anthropic-billing-header: x"}, VERTEX_TOKEN, None, "x-anthropic"),
    ],
)
async def test_vertex_has_rules_of_its_own(
    service: AnthropicService,
    model: str,
    fields: dict[str, Any],
    token: str,
    status: str | None,
    message: str,
) -> None:
    usual = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    body = {name: value for name, value in (usual | fields).items() if value is not ...}
    response = await post(
        service, body, f"{VERTEX}/{model}:rawPredict", authorization=f"Bearer {token}"
    )
    error = response.json()["error"]
    assert error["message"].startswith(message)
    assert error.get("status") == status
    assert service.note_refusal().message == error["message"]


async def test_vertex_knows_fewer_betas(service: AnthropicService) -> None:
    usual = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    response = await post(
        service,
        usual,
        f"{VERTEX}/{NEWEST}:rawPredict",
        authorization=f"Bearer {VERTEX_TOKEN}",
        anthropic_beta="context-1m-2025-08-07,files-api-2025-04-14",
    )
    assert "Unexpected value(s) `files-api-2025-04-14`" in response.json()["error"]["message"]
    service.note_refusal()


async def test_tokens_of_google_can_be_exchanged(service: AnthropicService) -> None:
    service.vertex_tokens = {"ya29.new"}
    body = {"anthropic_version": "vertex-2023-10-16", "max_tokens": 9, "messages": HELLO}
    path = f"{VERTEX}/{NEWEST}:rawPredict"
    assert (await post(service, body, path, authorization="Bearer ya29.new")).status_code == 200
