"""A strict Bedrock on loopback: it checks every signature, and refuses what the real one does."""

from __future__ import annotations

import contextlib
import json
import re
import struct
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import unquote

from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from contract.services.bedrock import answers
from contract.services.bedrock.refusals import invalid, refusal
from contract.services.bedrock.rules import check_rules
from contract.services.stand_in import Body, StandIn
from support.converse_shapes import problems

PATH = re.compile(
    r"/model/(?P<model>[^/]+)/(?P<method>converse|converse-stream|count-tokens|invoke)"
)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/bedrock/"
    r"aws4_request, SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>\w+)"
)
BEARER = "bedrock-api-key-0123456789"
KEYS = {"AKIASERVICE": ("service-secret-0123456789", None)}
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
MODELS = (
    CLAUDE,
    "us.anthropic.claude-opus-4-7",
    "amazon.nova-pro-v1:0",
    "meta.llama3-3-70b-instruct-v1:0",
    "openai.gpt-oss-120b-1:0",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
)
TITAN = ("amazon.titan-embed-text-v2:0",)
COHERE = ("cohere.embed-english-v3", "cohere.embed-v4:0")
EVENT_STREAM = "application/vnd.amazon.eventstream"


@dataclass
class BedrockService(StandIn):
    """What a test says to it, and what it sees of it."""

    region: str = "us-east-1"
    bearer: str = BEARER
    keys: dict[str, tuple[str, str | None]] = field(default_factory=lambda: dict(KEYS))
    """Access keys to their secrets and session tokens."""
    signatures: answers.Signatures = field(default_factory=answers.Signatures)

    async def answer(self, request: web.Request, body: Body, data: bytes) -> web.StreamResponse:
        self._check_authorization(request, data)
        found = PATH.fullmatch(request.raw_path)
        if found is None:
            raise refusal(404, "UnknownOperationException", "")
        model, method = unquote(found["model"]), found["method"]
        if method == "invoke":
            return self._embed(model, body)
        self._check_model(model)
        if method == "count-tokens":
            counted = body["input"]["converse"]
            self._check("CountTokens", body, counted, model)
            return web.json_response({"inputTokens": 42})
        operation = "Converse" if method == "converse" else "ConverseStream"
        self._check(operation, body, body, model)
        turn = self.next_turn()
        message = answers.whole(turn, body, model, self.signatures)
        if method == "converse":
            return web.json_response(message)
        events = (frame(name, payload) for name, payload in answers.events(message))
        return await self.stream(request, events, EVENT_STREAM)

    def error_event(self) -> bytes:
        return frame("throttlingException", {"message": "Too many requests"}, kind="exception")

    def _check(self, operation: str, body: Body, conversation: Body, model: str) -> None:
        wrong = problems(operation, {**body, "modelId": "m"})
        if wrong:
            raise invalid(f"shape: {wrong[:3]}")
        check_rules(conversation, model, self.signatures)

    def _check_model(self, model: str) -> None:
        if f"us.{model}" in MODELS:
            raise invalid(
                f"Invocation of model ID {model} with on-demand throughput isn't supported. Retry "
                "your request with the ID or ARN of an inference profile that contains this model."
            )
        if model not in MODELS:
            raise invalid("The provided model identifier is invalid.")

    def _embed(self, model: str, body: Body) -> web.Response:
        if model in TITAN:
            if not isinstance(body.get("inputText"), str) or not body["inputText"]:
                raise invalid("Malformed input request: #: required key [inputText] not found")
            length = body.get("dimensions", 1024)
            return web.json_response({"embedding": [0.5] * length, "inputTextTokenCount": 3})
        if model in COHERE:
            if not 1 <= len(body["texts"]) <= 96 or "input_type" not in body:
                raise invalid("Malformed input request: #/texts: expected maximum item count: 96")
            vectors = {"float": [[0.5, 0.5]] * len(body["texts"])}
            headers = {"x-amzn-bedrock-input-token-count": str(3 * len(body["texts"]))}
            return web.json_response({"embeddings": vectors}, headers=headers)
        raise invalid("The provided model identifier is invalid.")

    def _check_authorization(self, request: web.Request, data: bytes) -> None:
        given = request.headers.get("authorization", "")
        if given == f"Bearer {self.bearer}":
            return
        found = AUTHORIZATION.fullmatch(given)
        if found is None or found["key"] not in self.keys:
            raise refusal(
                403, "UnrecognizedClientException", "The security token included is invalid."
            )
        secret, token = self.keys[found["key"]]
        if token is not None and request.headers.get("x-amz-security-token") != token:
            raise refusal(403, "ExpiredTokenException", "The security token is expired.")
        signed = {name: request.headers[name] for name in found["headers"].split(";")}
        expected = signature_of(
            request, signed, data, Credentials(found["key"], secret, token), self
        )
        if expected != found["signature"] or found["region"] != self.region:
            raise refusal(
                403,
                "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided.",
            )


def signature_of(
    request: web.Request,
    signed: dict[str, str],
    data: bytes,
    credentials: Credentials,
    service: BedrockService,
) -> str:
    """The signature that this request must have, by botocore itself."""
    signer = SigV4Auth(credentials, "bedrock", service.region)
    url = f"http://{request.headers['host']}{request.raw_path}"
    aws = AWSRequest(request.method, url, data=data, headers=signed)
    stamp = request.headers["x-amz-date"]
    now = datetime.now(UTC)
    sent = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs((now - sent).total_seconds()) > 300:
        raise refusal(403, "InvalidSignatureException", "Signature expired")
    aws.context["timestamp"] = stamp
    canonical = signer.canonical_request(aws)
    return str(signer.signature(signer.string_to_sign(aws, canonical), aws))


def frame(name: str, payload: Body, kind: str = "event") -> bytes:
    """A frame of an AWS event stream."""
    headers = b"".join(
        struct.pack("!B", len(key))
        + key.encode()
        + struct.pack("!BH", 7, len(value))
        + value.encode()
        for key, value in (
            (f":{kind}-type", name),
            (":content-type", "application/json"),
            (":message-type", kind),
        )
    )
    data = json.dumps({**payload, "p": "abcdef"}).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(data), len(headers))
    head = prelude + struct.pack("!I", zlib.crc32(prelude))
    return head + headers + data + struct.pack("!I", zlib.crc32(head + headers + data))


@contextlib.asynccontextmanager
async def bedrock_service() -> AsyncIterator[BedrockService]:
    """A listening service."""
    async with BedrockService().listening() as service:
        yield service
