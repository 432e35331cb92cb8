"""The two doors of the strict Anthropic: its own, and the one at Vertex.

They differ in how a client shows who it is, in where the model and the version are said, and in how
an error looks that comes before Claude is asked. Behind them everything is the same.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any, get_args

from anthropic.types import AnthropicBetaParam

from contract.services.anthropic.models import Model, model_named, vertex_model_named
from contract.services.anthropic.refusals import (
    invalid,
    missing_key,
    missing_version,
    model_not_found,
    publisher_model_not_found,
    reserved,
    unknown_beta,
    unknown_url,
    unknown_version,
    wrong_key,
    wrong_token,
)
from contract.services.anthropic.request import NEWER, OLDER, VERSIONS

Body = dict[str, Any]

OF_CLAUDE_CODE = frozenset(
    {
        "advanced-tool-use-2025-11-20",
        "claude-code-20250219",
        "effort-2025-11-24",
        "mid-conversation-system-2026-04-07",
        "prompt-caching-scope-2026-01-05",
    }
)
"""Betas that Claude Code asks for, and the SDK does not know."""
BETAS = frozenset(get_args(get_args(AnthropicBetaParam)[1])) | OF_CLAUDE_CODE
VERTEX_BETAS = frozenset(
    {
        "compact-2026-01-12",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "interleaved-thinking-2025-05-14",
        "tool-search-tool-2025-10-19",
        "web-search-2025-03-05",
    }
)
BILLING = "x-anthropic-billing-header"
VERTEX_VERSIONS = {"vertex-2023-10-16": OLDER, NEWER: NEWER}
VERTEX_PATH = re.compile(
    r"/v1/(?P<parent>projects/[a-z0-9-]+/locations/[a-z0-9-]+/publishers/anthropic/models)/"
    r"(?P<model>[^/:]+):(?P<verb>rawPredict|streamRawPredict)"
)
COUNT_TOKENS = "count-tokens"
"""What stands in the place of a model at Vertex to count."""


@dataclass
class Asked:
    """One request; `body` is None if it was no JSON."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Call:
    """What is called, as Anthropic itself has it."""

    version: str = OLDER
    counting: bool = False
    model: Model | None = None
    """The model in the path, if there is one."""

    def unwrapped(self, body: Any) -> tuple[Any, str]:
        """The body as `/v1/messages` takes it, and the version of the API."""
        return body, self.version

    def model_of(self, body: Body) -> Model:
        """The model that is asked. Raises `Refusal`."""
        model = model_named(body["model"])
        if model is None:
            raise model_not_found(body["model"])
        return model


@dataclass(frozen=True)
class VertexCall(Call):
    """The same at Vertex."""

    parent: str = ""
    streaming: bool = False

    def unwrapped(self, body: Any) -> tuple[Any, str]:
        """Takes the version out of the body, and the model of the path in."""
        if not isinstance(body, dict) or "anthropic_version" not in body:
            raise invalid("anthropic_version: Field required")
        if body["anthropic_version"] not in VERTEX_VERSIONS:
            raise invalid(f"anthropic_version: Input should be one of {[*VERTEX_VERSIONS]}")
        if self.model is not None and "model" in body:
            raise invalid("model: Extra inputs are not permitted")
        if self.model is not None and bool(body.get("stream")) != self.streaming:
            raise invalid("stream: Input should be true for streamRawPredict, and only for it")
        if BILLING in str(body.get("system")):
            raise reserved(BILLING)
        inner = {name: value for name, value in body.items() if name != "anthropic_version"}
        named = {"model": self.model.vertex} if self.model else {}
        return inner | named, VERTEX_VERSIONS[body["anthropic_version"]]

    def model_of(self, body: Body) -> Model:
        """The model that is asked. Raises `Refusal`."""
        model = vertex_model_named(body["model"])
        if model is None:
            raise publisher_model_not_found(f"{self.parent}/{body['model']}")
        return model


def opened(asked: Asked, key: str, vertex_tokens: Container[str]) -> Call:
    """What is called, by somebody who may. Raises `Refusal`."""
    if asked.path.startswith("/v1/projects/"):
        scheme, _, token = asked.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in vertex_tokens:
            raise wrong_token()
        check_betas(asked.headers, VERTEX_BETAS)
        return vertex_call(asked)
    check_key(asked.headers, key)
    version = version_in(asked.headers)
    check_betas(asked.headers, BETAS)
    return own_call(asked, version)


def check_key(headers: dict[str, str], key: str) -> None:
    """`x-api-key` wins where both are sent."""
    given = headers.get("x-api-key")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if given is None and (scheme != "Bearer" or not token):
        raise missing_key()
    if (token if given is None else given) != key:
        raise wrong_key("authorization" if given is None else "x-api-key")


def version_in(headers: dict[str, str]) -> str:
    version = headers.get("anthropic-version")
    if version is None:
        raise missing_version()
    if version not in VERSIONS:
        raise unknown_version(version)
    return version


def check_betas(headers: dict[str, str], known: frozenset[str]) -> None:
    """Anthropic knows those that its clients do, Vertex AI fewer."""
    asked = [name.strip() for name in headers.get("anthropic-beta", "").split(",")]
    unknown = [name for name in asked if name and name not in known]
    if unknown:
        raise unknown_beta(", ".join(unknown))


def own_call(asked: Asked, version: str) -> Call:
    match asked.method, asked.path.removeprefix("/v1").split("/"):
        case "POST", ["", "messages"]:
            return Call(version)
        case "POST", ["", "messages", "count_tokens"]:
            return Call(version, counting=True)
        case "GET", ["", "models"]:
            return Call(version)
        case "GET", ["", "models", name]:
            return Call(version, model=Call(version).model_of({"model": name}))
    raise unknown_url()


def vertex_call(asked: Asked) -> Call:
    found = VERTEX_PATH.fullmatch(asked.path)
    if found is None or asked.method != "POST":
        raise unknown_url()
    parent, name = found["parent"], found["model"]
    streaming = found["verb"] == "streamRawPredict"
    if name == COUNT_TOKENS:
        return VertexCall(counting=True, parent=parent)
    model = vertex_model_named(name)
    if model is None:
        raise publisher_model_not_found(f"{parent}/{name}")
    return VertexCall(model=model, parent=parent, streaming=streaming)
