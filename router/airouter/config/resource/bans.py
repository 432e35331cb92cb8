"""`fail2ban`: bans of backends that keep failing, for all credentials and for one."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from airouter.config.providers import ProviderTypes
from airouter.config.resource.fields import (
    BrokenRule,
    Part,
    Period,
    Positive,
    matching,
    mistake,
    unique,
)

CLASSES = {"4xx": 4, "5xx": 5}


def check_status(given: object) -> int:
    """Return a status of an error, or the first digit of a class of them such as `5xx`."""
    if isinstance(given, str) and given in CLASSES:
        return CLASSES[given]
    if isinstance(given, int) and not isinstance(given, bool) and 400 <= given <= 599:
        return given
    raise mistake("is not the status of an error", "use a number from 400 to 599, 4xx or 5xx")


StatusOrClass = Annotated[int, BeforeValidator(check_status)]
BanStatuses = Annotated[list[StatusOrClass], Field(max_length=64), unique()]
ErrorCode = Annotated[
    str,
    matching(
        r"[A-Za-z0-9._-]{1,64}",
        "is not the code of an error",
        "use 1 to 64 letters, digits, dots, hyphens and underscores",
    ),
]
Scope = Literal["Backend", "Credential"]
OnAuthFailure = Literal["Ban", "Count"]


class BanRule(Part):
    """A ban for one kind of failure."""

    status_code: StatusOrClass | None = Field(
        None, description="Status of the upstream, or a class of them. This or errorCode."
    )
    error_code: ErrorCode | None = Field(
        None, description="Code of the upstream's error, such as insufficient_quota."
    )
    max_attempts: Positive = Field(3, description="Failures that lead to a ban. Default 3.")
    ban_duration: Period = Field(60.0, description="Length of the ban. Default 1m.")

    @classmethod
    def broken_rules(cls, given: dict[str, Any], _: ProviderTypes) -> Iterator[BrokenRule]:
        """Ask for one kind of failure."""
        if "statusCode" not in given and "errorCode" not in given:
            yield "statusCode", "is required, or errorCode is", "set one of them"
        if "statusCode" in given and "errorCode" in given:
            yield "errorCode", "stands beside statusCode", "make two rules of it"


BanRules = Annotated[
    list[BanRule], Field(max_length=32), unique(lambda rule: (rule.status_code, rule.error_code))
]
SHORTER = ("maxBanDuration is shorter than banDuration", "make it at least as long as banDuration")


class Fail2ban(Part):
    """The policy for backends that keep failing. Absent: no ban."""

    scope: Scope = Field(
        "Backend",
        description="Banned at a time: one model of a credential, or all of it. Default Backend.",
    )
    max_attempts: Positive = Field(
        3, description="Failures inside the window that lead to a ban. Default 3."
    )
    window: Period = Field(60.0, description="Period in which failures count. Default 1m.")
    ban_duration: Period = Field(60.0, description="Length of a first ban. Default 1m.")
    max_ban_duration: Period | None = Field(
        None,
        description="Length up to which bans double. Default: 1h, or banDuration if longer.",
    )
    status_codes: BanStatuses = Field(
        [401, 403, 429, 500, 502, 503, 504, 529],
        description="Statuses, or classes of them, that count as a failure. "
        "Default 401, 403, 429, 500, 502, 503, 504, 529.",
    )
    rules: BanRules = Field(
        [], description="Other numbers for single kinds of failures, at most 32. Default none."
    )
    on_auth_failure: OnAuthFailure = Field(
        "Ban",
        description="A refused key: Ban at once, or Count it like any failure. Default Ban.",
    )

    @model_validator(mode="after")
    def _longest_fits(self) -> "Fail2ban":
        if self.max_ban_duration is not None and self.max_ban_duration < self.ban_duration:
            raise mistake(*SHORTER)
        return self


class Fail2banOverride(Part):
    """The policy for one credential. An absent field is as in `spec.resilience.fail2ban`."""

    scope: Scope | None = Field(None, description="Banned at a time.")
    max_attempts: Positive | None = Field(None, description="Failures that lead to a ban.")
    window: Period | None = Field(None, description="Period in which failures count.")
    ban_duration: Period | None = Field(None, description="Length of a first ban.")
    max_ban_duration: Period | None = Field(
        None, description="Length up to which bans double; at least banDuration."
    )
    status_codes: BanStatuses | None = Field(
        None, description="Statuses, or classes of them, that count as a failure."
    )
    rules: BanRules | None = Field(None, description="Other numbers for single kinds of failures.")
    on_auth_failure: OnAuthFailure | None = Field(
        None, description="A refused key: Ban at once, or Count it."
    )

    @model_validator(mode="after")
    def _longest_fits(self) -> "Fail2banOverride":
        longest, first = self.max_ban_duration, self.ban_duration
        if longest is not None and first is not None and longest < first:
            raise mistake(*SHORTER)
        return self
