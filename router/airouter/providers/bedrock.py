"""AWS Bedrock, by the Converse API.

Source: botocore's service model of `bedrock-runtime`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from airouter.dialects.converse.errors import failure_of
from airouter.dialects.converse.models import counts_tokens
from airouter.dialects.converse.upstream import CONVERSE, UNCOUNTED
from airouter.dialects.embeddings.choice import embeds_at_bedrock
from airouter.providers.base import Provider
from airouter.providers.binding import Binding
from airouter.providers.identity.aws import AwsSigner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure
    from airouter.providers.binding import Api
    from airouter.providers.identity.base import Signer
    from airouter.providers.identity.workers import Workers


PROFILE = re.compile(r"[a-z]{2,6}(?:-gov)?\.(?=[a-z0-9]+\.)")
"""Begins an inference profile, which is a model in several regions."""
NAMED = frozenset({"foundation-model", "inference-profile"})
"""ARNs that end in the name of a model, or of such a profile."""
ARN = "arn:"


@dataclass(frozen=True)
class Bedrock(Provider):
    """Models in a region of AWS."""

    def base_url(self, credential: Credential) -> str | None:
        if credential.aws is None:
            return None
        return f"https://bedrock-runtime.{credential.aws.region}.amazonaws.com"

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:  # noqa: ARG002
        root = f"/model/{quote(model, safe='')}"
        match api:
            case "chat" | "messages" | "responses" | "compact":
                return Binding(CONVERSE, f"{root}/converse", f"{root}/converse-stream")
            case "count_tokens" | "input_tokens":
                return bind_count(model)
            case "embeddings" if embeds_at_bedrock(model):
                return Binding(CONVERSE, f"{root}/invoke")
        return None

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:  # noqa: ARG002
        return []  # the signer has an API key, too

    def make_signer(self, credential: Credential, host: str, workers: Workers) -> Signer:
        place = credential.aws
        if place is None:
            raise ValueError(f"credential {credential.name!r} has no region")
        return AwsSigner(
            place.region,
            host,
            credential.secret,
            place.role_arn,
            name=credential.name,
            workers=workers,
        )

    def read_failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:
        return failure_of(status, headers, body)


def bind_count(model: str) -> Binding:
    """Bind the counting of tokens, which Bedrock does by the name of a model alone."""
    base = base_model(model)
    if base is None or not counts_tokens(base):
        return Binding(UNCOUNTED, "")
    return Binding(CONVERSE, f"/model/{quote(base, safe='')}/count-tokens")


def base_model(model: str) -> str | None:
    """Return the model that an inference profile or an ARN names; None where it names none."""
    if model.startswith(ARN):
        kind, _, model = model.split(":", 5)[-1].partition("/")
        if kind not in NAMED:
            return None
    return PROFILE.sub("", model, count=1) if PROFILE.match(model) else model
