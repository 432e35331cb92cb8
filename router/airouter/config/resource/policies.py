"""The rest of `spec`: failures, stored responses, HTTP, telemetry."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from airouter.config.resource.bans import Fail2ban
from airouter.config.resource.credential import SecretRef
from airouter.config.resource.fields import (
    ErrorStatus,
    Lapse,
    Part,
    Pause,
    Period,
    Positive,
    Ratio,
    Timeout,
    matching,
    mistake,
    unique,
)
from airouter.config.resource.http import BaseURL

Attempts = Annotated[int, Field(ge=0, le=5)]
WholePercent = Annotated[int, Field(ge=0, le=100)]
RequestHeader = Annotated[
    str,
    matching(
        r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}",
        "is not a header name",
        "use 1 to 64 letters, digits and hyphens",
    ),
]
Statuses = Annotated[list[ErrorStatus], Field(max_length=64), unique()]


class Backoff(Part):
    """The pause before an attempt: it doubles, up to a limit, and is partly random."""

    initial: Pause = Field(0.1, description="First pause. Default 100ms.")
    max: Pause = Field(2.0, description="Longest pause. Default 2s.")
    max_retry_after: Pause = Field(
        10.0, description="Longest Retry-After of an upstream that is waited for. Default 10s."
    )

    @model_validator(mode="after")
    def _initial_fits(self) -> "Backoff":
        if self.initial > self.max:
            raise mistake("initial is longer than max", "make initial at most as long as max")
        return self


FallbackReason = Literal["context", "unavailable", "rateLimit", "contentFilter"]


class Retries(Part):
    """The policy for further attempts, all of them before the first byte."""

    attempts: Attempts = Field(
        2, description="Times that tried backends are tried again, 0 to 5. Default 2."
    )
    on_status: Statuses = Field(
        [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529],
        description="Statuses of an upstream after which another attempt is made. "
        "Default 408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529.",
    )
    backoff: Backoff = Field(Backoff(), description="Pause before an attempt.")
    budget_percent: WholePercent = Field(
        20,
        description="Such retries may be this share of a credential's requests, 0 to 100. "
        "Default 20.",
    )


class Hedge(Part):
    """A second attempt beside one that is slow."""

    after: Timeout = Field(description="Silence after which another backend is asked, too.")
    percent: Annotated[WholePercent, Field(ge=1)] = Field(
        5, description="Share of requests that this may happen to, 1 to 100. Default 5."
    )


class Resilience(Part):
    """The policies for failing upstreams."""

    retries: Retries = Field(Retries(), description="Further attempts.")
    fallback_on: Annotated[list[FallbackReason], Field(max_length=4), unique()] = Field(
        ["context", "unavailable", "rateLimit"],
        description="Failures after which the fallbacks of a model are tried: context (the prompt "
        "is too long), unavailable, rateLimit, contentFilter. Default: all but contentFilter.",
    )
    fail2ban: Fail2ban | None = Field(None, alias="fail2ban", description="Bans. Default: off.")
    hedge: Hedge | None = Field(
        None, description="Second attempts beside slow ones. Default: none."
    )
    heartbeat: Pause = Field(
        15.0,
        description="Longest silence in a client's stream: a sign of life is sent then. 0s for "
        "none. Default 15s.",
    )
    on_broken_stream: Literal["Error", "Continue"] = Field(
        "Error",
        description="A stream that breaks after its client got something: Error tells the client, "
        "Continue has the next backend go on from there. Default Error.",
    )


class Stickiness(Part):
    """Conversations that stay with their backend. Absent: none."""

    enabled: bool = Field(True, description="Default true, in a block that is present.")
    ttl: Lapse = Field(
        600.0,
        description="Time since its last answer for which a conversation that had to move to "
        "another backend stays there; 0s to 720h. Default 10m.",
    )


class Sessions(Part):
    """Conversations of several requests."""

    stickiness: Stickiness | None = Field(
        None, description="Conversations that stay with a backend. Default none."
    )


class Storage(Part):
    """The store of responses."""

    type: Literal["None", "Memory", "SQLite", "Redis"] = Field(
        "Memory", description="Redis needs spec.redis. Default Memory."
    )
    ttl: Period = Field(86_400.0, description="Lifetime of a response. Default 24h.")
    max_entries: Positive = Field(10_000, description="Number that is kept. Default 10000.")


class SealingKey(Part):
    """A key that seals content which clients carry for the router."""

    secret_ref: SecretRef = Field(description="The key. Default key in the Secret: api-key.")


class Sealing(Part):
    """The keys that seal content which clients carry for the router."""

    keys: Annotated[list[SealingKey], Field(min_length=1, max_length=8)] = Field(
        description="The first seals, all open; 1 to 8."
    )


class Responses(Part):
    """State of the Responses API."""

    storage: Storage = Field(Storage(), description="Stored responses.")
    sealing: Sealing | None = Field(None, description="Default: a key made by each process.")


class Redis(Part):
    """The Redis that replicas share, for limits and stored responses."""

    url_secret_ref: SecretRef = Field(
        description="URL of the server, with its password. Default key in the Secret: url."
    )


class Ledger(Part):
    """The place where the replicas' counts of limits meet."""

    type: Literal["Auto", "Local", "Operator", "Redis"] = Field(
        "Auto",
        description="Auto: Redis where spec.redis is set, else the operator that feeds the pods, "
        "else Local. Default Auto.",
    )


Origin = Annotated[
    str,
    Field(max_length=253),
    matching(
        r"\*|[a-z][a-z0-9+.-]*://[a-z0-9._~-]+(:[0-9]{1,5})?",
        "is not an origin",
        "use one such as https://chat.example.com, in lower case and without a path, or *",
    ),
]


class Cors(Part):
    """Pages of other sites that may ask. Absent: none."""

    origins: Annotated[list[Origin], Field(min_length=1, max_length=64), unique()] = Field(
        description="Origins, such as https://chat.example.com, or * for all; 1 to 64."
    )
    headers: Annotated[list[RequestHeader], Field(max_length=64), unique()] = Field(
        [], description="Request headers that pages may send, at most 64. Default: all."
    )
    max_age: Pause = Field(600.0, description="Time that a browser may keep this. Default 10m.")


class Http(Part):
    """HTTP as clients see it, beside the answers themselves."""

    cors: Cors | None = Field(None, description="Pages of other sites. Default: none may ask.")
    public_url: BaseURL | None = Field(
        None,
        alias="publicURL",
        description="Root by which clients reach the router, for the Secrets of RouterKeys. "
        "Default: the router's Service, as the operator knows it.",
    )


RedactedPath = Annotated[
    str,
    Field(max_length=253),
    matching(
        r"\$((\.\.?([A-Za-z_][A-Za-z0-9_]*|\*))|\[(\*|[0-9]{1,4})\])+",
        "is not a path into what was said",
        "use one such as $.input[*].parts[*].arguments, or $..arguments",
    ),
]


class Traces(Part):
    """The share of requests that are traced, and the content of traces."""

    sample_ratio: Ratio | None = Field(
        None,
        description="Share of requests that are traced, a decimal in quotes. "
        "Default: OTEL_TRACES_SAMPLER decides.",
    )
    capture_content: bool = Field(
        False, description="Put prompts and answers into spans. Default false."
    )
    redact: Annotated[list[RedactedPath], Field(max_length=32), unique()] = Field(
        [],
        description="Paths of what is left out of prompts and answers, such as $..arguments; at "
        "most 32.",
    )


class Telemetry(Part):
    """Telemetry about requests."""

    traces: Traces = Field(Traces(), description="Tracing.")
    answer_headers: bool = Field(
        True, description="Tell clients in headers which backend answered. Default true."
    )
