"""How providers fail, and what the clients of the router see of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
import pytest_asyncio

from contract.matrix.features import CLAUDES, GEMINIS, UPSTREAMS, user
from contract.matrix.world import World, model_of, world
from contract.services.anthropic.refusals import Refusal as AnthropicRefusal
from contract.services.anthropic.streams import Cut as AnthropicCut
from contract.services.anthropic.streams import Fault
from contract.services.bedrock.refusals import refusal as bedrock_refusal
from contract.services.google.refusals import refusal as google_refusal
from contract.services.openai.refusals import Refusal as OpenAIRefusal
from contract.services.openai.service import Cut as OpenAICut
from contract.services.stand_in import Cut

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOGLE = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
BEDROCK = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
STATUSES = (400, 401, 403, 404, 408, 413, 429, 500, 503, 529)
RETRIED = (401, 403, 408, 429, 500, 503, 529)
"""What another attempt may mend: with another account, or later."""
SEEN = {401: 502, 403: 502, 529: 503}
"""What a client of OpenAI's API sees where that is another status."""
SECRETS = ("sk-", "AKIA", "AIza", "token-", "projects/p1")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def everything() -> AsyncIterator[World]:
    async with world() as found:
        yield found


def refusal(upstream: str, status: int, *, wait: int | None = None) -> Any:
    """An error as the provider writes it, with a secret in its text."""
    text = "Failed for sk-live-0123456789 of projects/p1/x"
    headers = {"retry-after": str(wait)} if wait is not None else {}
    if upstream == "OpenAI":
        return OpenAIRefusal(status, text, headers=headers)
    if upstream in CLAUDES:
        return AnthropicRefusal(status, text, headers=headers)
    if upstream in GEMINIS:
        found = google_refusal(status, GOOGLE.get(status, "UNKNOWN"), text)
        found.headers.update(headers)
        return found
    return bedrock_refusal(status, BEDROCK.get(status, "UnknownException"), text, **headers)


def fail(everything: World, upstream: str, *refusals: Any) -> int:
    """Let the next requests fail; how many there were before."""
    service = everything.services[upstream]
    service.refusals.clear()
    service.refusals.extend(refusals)
    return len(everything.journal(upstream))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_an_error_keeps_its_meaning_for_clients_of_openai(
    everything: World, upstream: str, status: int
) -> None:
    before = fail(everything, upstream, *[refusal(upstream, status) for _ in range(2)])
    with pytest.raises(openai.APIStatusError) as caught:
        await everything.clients["chat"].ask(
            model_of(upstream), {"messages": user()}, streamed=status % 2 == 0
        )
    everything.services[upstream].refusals.clear()
    assert caught.value.status_code == SEEN.get(status, status)
    body = caught.value.body
    assert isinstance(body, dict)
    assert set(body) == {"message", "type", "param", "code"}
    assert not any(secret in str(body) for secret in SECRETS)
    assert len(everything.journal(upstream)) == before + (2 if again(upstream, status) else 1)


def again(upstream: str, status: int) -> bool:
    """Whether a second attempt is worth it; a refused key is not tried twice at one account."""
    return status in RETRIED and status not in {401, 403}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_an_error_keeps_its_meaning_for_clients_of_anthropic(
    everything: World, upstream: str, status: int
) -> None:
    fail(everything, upstream, *[refusal(upstream, status) for _ in range(2)])
    with pytest.raises(anthropic.APIStatusError) as caught:
        await everything.clients["messages"].ask(
            model_of(upstream), {"messages": user()}, streamed=status % 2 == 0
        )
    everything.services[upstream].refusals.clear()
    expected = {401: 502, 403: 502}.get(status, status)
    if status == 529 and upstream not in CLAUDES:
        expected = 529
    assert caught.value.status_code == expected
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"
    assert set(body["error"]) == {"type", "message"}
    assert not any(secret in str(body) for secret in SECRETS)


@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_a_wait_is_passed_on(everything: World, upstream: str) -> None:
    fail(everything, upstream, refusal(upstream, 429, wait=11))
    with pytest.raises(openai.RateLimitError) as caught:
        await everything.clients["chat"].ask(
            model_of(upstream), {"messages": user()}, streamed=False
        )
    assert caught.value.response.headers["retry-after"] == "11"
    everything.rested()


@pytest.mark.parametrize("client", ["chat", "messages"])
@pytest.mark.parametrize("upstream", UPSTREAMS)
async def test_a_second_attempt_mends_what_passes(
    everything: World, upstream: str, client: str
) -> None:
    fail(everything, upstream, refusal(upstream, 503))
    heard = await everything.clients[client].ask(
        model_of(upstream), {"messages": user()}, streamed=True
    )
    assert heard.text


CUTS: dict[str, dict[str, Any]] = {
    "RESET": {"Anthropic": Fault.RESET, "other": Cut.RESET},
    "CLOSE": {"Anthropic": Fault.CLOSE, "other": Cut.CLOSE},
    "ERROR": {"Anthropic": Fault.ERROR, "other": Cut.ERROR},
    "GARBAGE": {"Anthropic": Fault.GARBAGE, "other": Cut.GARBAGE},
}


def cut(everything: World, upstream: str, kind: str) -> None:
    """Let the next stream fail after its first text."""
    cuts = everything.services[upstream].cuts
    if upstream in CLAUDES:
        cuts.append(AnthropicCut(CUTS[kind]["Anthropic"], after=5))
    else:
        cuts.append(CUTS[kind]["other"])


@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("upstream", [each for each in UPSTREAMS if each != "OpenAI"])
async def test_a_stream_that_breaks_ends_with_an_error_in_openais_shape(
    everything: World, upstream: str, kind: str
) -> None:
    cut(everything, upstream, kind)
    with pytest.raises(openai.APIError) as caught:
        await everything.clients["chat"].ask(
            model_of(upstream), {"messages": user("one two three four five six")}, streamed=True
        )
    assert not isinstance(caught.value, openai.APIStatusError)
    assert not any(secret in str(caught.value) for secret in SECRETS)


@pytest.mark.parametrize("kind", CUTS)
@pytest.mark.parametrize("upstream", [each for each in UPSTREAMS if each != "OpenAI"])
async def test_a_stream_that_breaks_ends_with_an_error_in_anthropics_shape(
    everything: World, upstream: str, kind: str
) -> None:
    cut(everything, upstream, kind)
    with pytest.raises(anthropic.APIStatusError) as caught:
        await everything.clients["messages"].ask(
            model_of(upstream), {"messages": user("one two three four five six")}, streamed=True
        )
    body = caught.value.body
    assert isinstance(body, dict)
    assert body["type"] == "error"
    if kind != "ERROR" or upstream not in CLAUDES:  # which say so themselves
        assert body["request_id"] == caught.value.request_id


async def test_a_stream_of_openai_that_stalls_or_breaks_is_told(everything: World) -> None:
    everything.services["OpenAI"].cuts.append(OpenAICut.RESET)
    with pytest.raises(anthropic.APIStatusError):
        await everything.clients["messages"].ask("openai", {"messages": user()}, streamed=True)


@pytest.mark.parametrize("client", ["chat", "messages"])
async def test_a_long_silence_with_pings_is_borne(everything: World, client: str) -> None:
    """Pings of the provider keep the stream alive, and go on to the client."""
    service = everything.services["Anthropic"]
    service.cuts.append(AnthropicCut(Fault.SILENCE, after=5))
    for _ in range(180):
        service.ping()
    service.go_on()
    heard = await everything.clients[client].ask(
        "anthropic", {"messages": user("one two three four")}, streamed=True
    )
    assert heard.text == "one two three four"


@pytest.mark.parametrize("upstream", ["Gemini", "Bedrock", "OpenAI"])
async def test_a_client_that_leaves_ends_the_call(everything: World, upstream: str) -> None:
    service = everything.services[upstream]
    service.left.clear()
    service.cuts.append(OpenAICut.STALL if upstream == "OpenAI" else Cut.STALL)
    sdk: Any = everything.clients["chat"].sdk  # type: ignore[attr-defined]  # both have one
    stream = await sdk.chat.completions.create(
        model=model_of(upstream), messages=user("one two three"), stream=True
    )
    await anext(aiter(stream))
    await stream.close()
    async with asyncio.timeout(60):
        await service.left.wait()
