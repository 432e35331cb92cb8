"""The numbers of routers, read from their metrics; of several routers they add up."""

import json
import math
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from prometheus_client.parser import text_string_to_metric_families

Numbers = Counter[str]


@dataclass
class RouterNumbers:
    """The numbers of a router at a moment, or of several together."""

    name: str = ""
    status: str = "unready"
    """Whether it gets requests; where it does, its state: `ok`, `degraded` or `down`."""
    reasons: list[str] = field(default_factory=list)
    """For a state that is not `ok`."""
    version: str = ""
    connections: float = 0.0
    taken_at: float = 0.0
    """Seconds of the clock of this machine."""
    requests: Numbers = field(default_factory=Counter)
    """By model, as `errors` and `tokens` are."""
    errors: Numbers = field(default_factory=Counter)
    tokens: Numbers = field(default_factory=Counter)
    in_flight: Numbers = field(default_factory=Counter)
    """By credential, as all that follow but the last."""
    attempts: Numbers = field(default_factory=Counter)
    failed: Numbers = field(default_factory=Counter)
    bans: Numbers = field(default_factory=Counter)
    durations: dict[str, Numbers] = field(default_factory=dict)
    """Model to the cumulative counts of its histogram, by upper bound (seconds, as text)."""

    @classmethod
    def together(cls, several: Iterable["RouterNumbers"]) -> Self:
        """Return the numbers of several routers together."""
        whole = cls()
        for each in several:
            for name in SUMMED:
                getattr(whole, name).update(getattr(each, name))
            for model, counts in each.durations.items():
                whole.durations.setdefault(model, Counter()).update(counts)
        return whole

    def since(self, former: "RouterNumbers") -> "RouterNumbers":
        """Return what was counted since an earlier moment; states stay as they are."""
        found = RouterNumbers.together([self])
        for name in COUNTED:
            getattr(found, name).subtract(getattr(former, name))
        for model, counts in found.durations.items():
            counts.subtract(former.durations.get(model, Counter()))
        return found

    def quantile(self, model: str, share: float) -> float | None:
        """Return the duration (seconds) that a share of requests keeps; None without requests.

        It is the upper bound of the histogram's bucket; the last finite one for what is longer.
        """
        counts = self.durations.get(model, Counter())
        bounds = sorted((float(bound), count) for bound, count in counts.items())
        if not bounds or bounds[-1][1] <= 0:
            return None
        wanted = share * bounds[-1][1]
        finite = [bound for bound, _ in bounds if math.isfinite(bound)]
        return next((b for b, count in bounds if count >= wanted and math.isfinite(b)), finite[-1])


COUNTED = ("requests", "errors", "tokens", "attempts", "failed")
SUMMED = (*COUNTED, "in_flight", "bans")


def numbers_in(name: str, metrics: str, health: str) -> RouterNumbers:
    """Read a router's `/metrics` and `/vhealth`; an empty page of health is of one not ready."""
    numbers = RouterNumbers(name=name, taken_at=time.monotonic())
    note_health(numbers, health)
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            note_sample(numbers, sample.name, sample.labels, sample.value)
    return numbers


def note_health(numbers: RouterNumbers, health: str) -> None:
    """Take note of how a router is."""
    try:
        told = json.loads(health) if health else {}
    except ValueError:
        return
    numbers.status = str(told.get("status", "unready"))
    if numbers.status == "ok":
        numbers.status = str(told.get("state", "ok"))
        numbers.reasons = [str(reason) for reason in told.get("reasons", ())]


def note_sample(numbers: RouterNumbers, name: str, labels: dict[str, str], value: float) -> None:
    """Take note of a sample of the router's metrics; others are passed over."""
    match name:
        case "airouter_connections":
            numbers.connections = value
        case "airouter_config_info":
            numbers.version = labels.get("version", "")
        case "airouter_requests_in_flight":
            numbers.in_flight[labels["credential"]] += int(value)
        case "airouter_credential_bans":
            numbers.bans[labels["credential"]] += int(value)
        case "airouter_upstream_attempts_total":
            numbers.attempts[labels["credential"]] += int(value)
            if labels["error"] or not "200" <= labels["status"] < "300":
                numbers.failed[labels["credential"]] += int(value)
    if "model" in labels:
        note_of_model(numbers, name, labels, int(value))


def note_of_model(numbers: RouterNumbers, name: str, labels: dict[str, str], count: int) -> None:
    """Take note of a sample that counts something of a model."""
    model = labels["model"]
    match name:
        case "airouter_requests_total":
            numbers.requests[model] += count
            if labels["status"] >= "400":
                numbers.errors[model] += count
        case "airouter_tokens_total" if labels["kind"] in {"input", "output"}:
            numbers.tokens[model] += count
        case "airouter_request_duration_seconds_bucket":
            numbers.durations.setdefault(model, Counter())[labels["le"]] += count
