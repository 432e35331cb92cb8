"""A strict Bedrock on loopback: it checks every signature, and refuses what the real one does.

Layers 1 and 2 are in `shapes.py` and `rules.py`; the behaviour that a test scripts, and the journal
of what was asked, are those of every stand-in. STS and the agent of EKS Pod Identity are at the
same address, and give out keys that work here.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from contract.services.bedrock import answers
from contract.services.bedrock.embeddings import embedded
from contract.services.bedrock.framing import frame
from contract.services.bedrock.models import (
    CLAUDE,
    MODELS,
    PROFILE,
    behind,
    check_counting,
    check_model,
)
from contract.services.bedrock.refusals import failing, written_by_sts
from contract.services.bedrock.rules import check_rules
from contract.services.bedrock.sessions import Sessions
from contract.services.bedrock.shapes import check_shape
from contract.services.bedrock.signing import BEARER, KEYS, Access
from contract.services.stand_in import Body, Cut, Refusal, StandIn

__all__ = ["BEARER", "CLAUDE", "KEYS", "MODELS", "PROFILE", "BedrockService", "frame"]

PATH = re.compile(
    r"/model/(?P<model>[^/]+)/(?P<method>converse|converse-stream|count-tokens|invoke)"
)
SESSIONS = ("/", "/v1/credentials")
"""Where STS is, and the agent of Pod Identity."""
EVENT_STREAM = "application/vnd.amazon.eventstream"
MAX_BODY = 25_000_000
"""Bytes that a request may have."""


@dataclass
class BedrockService(StandIn):
    """What a test says to it, and what it sees of it."""

    region: str = "us-east-1"
    signatures: answers.Signatures = field(default_factory=answers.Signatures)
    fault: str = "throttlingException"
    """The exception of a stream that is cut by an error."""
    garbage: bytes | None = None
    """What comes in place of a frame when a stream is cut by garbage; None is no frame at all."""
    input_tokens: int = 42
    """What counting tokens finds."""
    access: Access = field(init=False)
    sessions: Sessions = field(init=False)

    def __post_init__(self) -> None:
        self.access = Access(self.region)
        self.sessions = Sessions(self.access)

    @property
    def bearer(self) -> str:
        """The valid AWS_BEARER_TOKEN_BEDROCK."""
        return self.access.bearer

    @property
    def keys(self) -> dict[str, tuple[str, str | None]]:
        """Access keys to their secrets and session tokens."""
        return self.access.keys

    @keys.setter
    def keys(self, keys: dict[str, tuple[str, str | None]]) -> None:
        self.access.keys = keys

    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        if request.path in SESSIONS:
            return self._give_keys(request, data)
        self.access.check(request, data, "bedrock")
        found = PATH.fullmatch(request.raw_path)
        if found is None or request.method != "POST":
            raise failing("UnknownOperationException", "")
        if len(data) > MAX_BODY:
            raise failing("RequestEntityTooLargeException", "The request is too large.")
        model, given = unquote(found["model"]), parsed(data)
        match found["method"]:
            case "invoke":
                return embedded(model, given)
            case "count-tokens":
                return self._count(model, given)
            case "converse":
                return web.json_response(self._converse(model, given, "Converse"))
        said = self._converse(model, given, "ConverseStream")
        events = (frame(name, payload) for name, payload in answers.events(said))
        return await self.stream(request, events, EVENT_STREAM)

    def error_event(self) -> bytes:
        return frame(self.fault, {"message": "It failed."}, kind="exception")

    def _ending(self, cut: Cut) -> bytes:
        if cut is Cut.GARBAGE and self.garbage is not None:
            return self.garbage
        return super()._ending(cut)

    def _converse(self, model: str, body: Body, operation: str) -> Body:
        check_model(model)
        check_shape(operation, body)
        check_rules(body, behind(model), self.signatures)
        return answers.whole(self.next_turn(), body, model, self.signatures)

    def _count(self, model: str, body: Body) -> web.Response:
        check_counting(model)
        check_shape("CountTokens", body)
        if "converse" in body["input"]:
            check_rules(body["input"]["converse"], behind(model), self.signatures)
        return web.json_response({"inputTokens": self.input_tokens})

    def _give_keys(self, request: web.Request, data: bytes) -> web.Response:
        form = dict(parse_qsl(data.decode()))
        self.journal[-1].body = form
        try:
            if request.path == "/":
                return self.sessions.answer_query(request, form, data)
            return self.sessions.answer_pod(request)
        except Refusal as refusal:
            self.refused.append(refusal)
            return web.Response(
                status=refusal.status, content_type="text/xml", text=written_by_sts(refusal)
            )


def parsed(data: bytes) -> Body:
    """A body. Raises `Refusal`."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise failing("SerializationException", "The body is not a JSON object.")
    return body


@contextlib.asynccontextmanager
async def bedrock_service() -> AsyncIterator[BedrockService]:
    """A listening service."""
    async with BedrockService().listening() as service:
        yield service
