"""The strict Bedrock refuses what the real one refuses, and each of its rules fires."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable

import pytest

from contract.services.bedrock.asking import post
from contract.services.bedrock.breaches import MISSHAPEN, REFUSED, UNKNOWN
from contract.services.bedrock.refusals import STATUSES
from contract.services.bedrock.rules import LIMITS, RULES
from contract.services.bedrock.samples import ASK, COHERE, NOVA, TITAN
from contract.services.bedrock.service import CLAUDE, PROFILE, BedrockService, bedrock_service
from contract.services.stand_in import Body, Refusal, Turn


@pytest.fixture
async def service() -> AsyncIterator[BedrockService]:
    async with bedrock_service() as found:
        yield found


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (TITAN, {}, "required key [inputText]"),
        (TITAN, {"inputText": ""}, "#/inputText"),
        (TITAN, {"inputText": "a", "dimensions": 3}, "#/dimensions"),
        (TITAN, {"inputText": ["a"]}, "#/inputText"),
        ("cohere.embed-english-v3", {"texts": ["a"]}, "required key [input_type]"),
        ("cohere.embed-english-v3", {**COHERE, "texts": ["a"] * 97}, "#/texts"),
        ("cohere.embed-english-v3", {**COHERE, "output_dimension": 256}, "extraneous key"),
        ("cohere.embed-v4:0", {**COHERE, "truncate": "END"}, "#/truncate"),
        ("nobody", {}, "identifier is invalid"),
    ],
)
async def test_embeddings_that_a_model_refuses_are_refused(
    service: BedrockService, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, "invoke", body)
    assert answer.status_code == 400
    assert says in service.note_refusal()


@pytest.mark.parametrize(("model", "body", "says"), MISSHAPEN + REFUSED + UNKNOWN)
@pytest.mark.parametrize("method", ["converse", "converse-stream"])
async def test_each_rule_refuses(
    service: BedrockService, method: str, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, method, body)
    denied = "caching" in says
    kind = "AccessDeniedException" if denied else "ValidationException"
    assert answer.status_code == STATUSES[kind]
    assert answer.headers["x-amzn-errortype"].startswith(kind)
    assert says in json.loads(service.note_refusal())["message"]


@pytest.mark.parametrize("rule", [*RULES, *LIMITS])
def test_no_rule_is_dead(rule: Callable[[Body, str], None]) -> None:
    """Each refuses some body by itself."""

    def refuses(model: str, body: Body) -> bool:
        try:
            rule({"messages": [ASK], **body}, CLAUDE if model == PROFILE else model)
        except Refusal:
            return True
        except IndexError:
            return False  # a body without messages, which another rule refuses
        return False

    assert any(refuses(model, body) for model, body, _ in REFUSED)


async def test_reasoning_that_was_altered_is_refused(service: BedrockService) -> None:
    service.turns.append(Turn(thinking="Hm.", text="Yes."))
    answer = (await post(service, CLAUDE, "converse", {"messages": [ASK]})).json()
    message = answer["output"]["message"]
    again = {"messages": [ASK, message, ASK]}
    assert (await post(service, CLAUDE, "converse", again)).status_code == 200
    message["content"][0]["reasoningContent"]["reasoningText"]["text"] += " "
    assert (await post(service, CLAUDE, "converse", again)).status_code == 400
    assert "Invalid `signature`" in service.note_refusal()


COUNTED = CLAUDE.removeprefix("us.")
"""The model itself: a profile is not counted by."""


@pytest.mark.parametrize(
    ("model", "body", "says"),
    [
        (NOVA, {"converse": {"messages": [ASK]}}, "doesn't support counting tokens"),
        (CLAUDE, {"converse": {"messages": [ASK]}}, "identifier is invalid"),
        (COUNTED, {"converse": {"messages": [ASK, ASK]}}, "must alternate"),
        (COUNTED, {"converse": {"messages": [ASK], "inferenceConfig": {}}}, "unknown"),
        (COUNTED, {}, "union"),
    ],
)
async def test_what_cannot_be_counted_is_refused(
    service: BedrockService, model: str, body: Body, says: str
) -> None:
    answer = await post(service, model, "count-tokens", {"input": body})
    assert answer.status_code == 400
    assert says in service.note_refusal()
