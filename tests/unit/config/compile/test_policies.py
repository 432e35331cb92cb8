from typing import Any

import pytest

from airouter.config.snapshot import (
    BanThreshold,
    Fail2ban,
    ResponseStorage,
    Retries,
    Snapshot,
    Stickiness,
    Traces,
)
from support.manifests import compiled, snapshot


def test_what_is_not_declared_is_as_the_snapshot_has_it() -> None:
    found, default = snapshot(), Snapshot()
    for name in ("retries", "fail2ban", "stickiness", "storage", "sealing_keys", "redis_url"):
        assert getattr(found, name) == getattr(default, name)
    assert found.traces == default.traces


def test_an_empty_block_of_policies_is_at_its_defaults() -> None:
    found = snapshot(
        resilience={"retries": {"backoff": {}}, "fail2ban": {}},
        sessions={"stickiness": {}},
        responses={"storage": {}},
    )
    assert (found.retries, found.fail2ban) == (Retries(), Fail2ban())
    assert (found.stickiness, found.storage) == (Stickiness(enabled=True), ResponseStorage())


def test_policies_are_in_seconds_and_numbers() -> None:
    retries = {
        "attempts": 1,
        "onStatus": [500],
        "backoff": {"initial": "0s", "max": "1m"},
        "budgetPercent": 5,
    }
    ban = {
        "maxAttempts": 5,
        "window": "2m",
        "banDuration": "3m",
        "statusCodes": [500],
        "rules": [{"statusCode": 429, "maxAttempts": 1, "banDuration": "5s"}],
    }
    found = snapshot(
        resilience={"retries": retries, "fail2ban": ban},
        sessions={"stickiness": {"enabled": False, "ttl": "1h"}},
        responses={"storage": {"type": "None", "ttl": "1h", "maxEntries": 7}},
        telemetry={
            "traces": {"sampleRatio": "0.25", "captureContent": True, "redact": ["$..arguments"]}
        },
    )
    assert found.retries == Retries(1, (500,), 0.0, 60.0, 5.0)
    assert found.fail2ban == Fail2ban(
        BanThreshold(5, 180.0), 120.0, (500,), ((429, BanThreshold(1, 5.0)),)
    )
    assert found.stickiness == Stickiness(enabled=False, ttl=3600.0)
    assert found.storage == ResponseStorage("None", 3600.0, 7)
    assert found.traces == Traces(0.25, capture_content=True, redact=("$..arguments",))


def test_sealing_keys_and_the_url_of_redis_come_from_secrets() -> None:
    secrets = {("seal", "new"): "n", ("seal", "old"): "o", ("redis", "url"): "redis://r:6379/0"}
    keys = [{"secretRef": {"name": "seal", "key": key}} for key in ("new", "old")]
    found = snapshot(
        secrets,
        responses={"sealing": {"keys": keys}},
        redis={"urlSecretRef": {"name": "redis"}},
    )
    assert (found.sealing_keys, found.redis_url) == (("n", "o"), "redis://r:6379/0")


@pytest.mark.parametrize(
    ("declared", "in_redis", "alone"),
    [
        ({}, "Redis", "Auto"),
        ({"type": "Auto"}, "Redis", "Auto"),
        ({"type": "Local"}, "Local", "Local"),
        ({"type": "Operator"}, "Operator", "Operator"),
    ],
)
def test_limits_of_replicas_meet_in_redis_where_there_is_one_and_nothing_else_is_said(
    declared: dict[str, str], in_redis: str, alone: str
) -> None:
    secrets, redis = {("redis", "url"): "redis://r:6379/0"}, {"urlSecretRef": {"name": "redis"}}
    assert snapshot(secrets, redis=redis, ledger=declared).ledger == in_redis
    assert snapshot(ledger=declared).ledger == alone


@pytest.mark.parametrize(
    "spec",
    [
        {"responses": {"sealing": {"keys": [{"secretRef": {"name": "nobody"}}]}}},
        {"redis": {"urlSecretRef": {"name": "nobody"}}},
        {"redis": {"urlSecretRef": {"name": "keys", "key": "team"}}},
    ],
)
def test_a_secret_that_all_state_hangs_on_rejects_everything(spec: dict[str, Any]) -> None:
    found = compiled(**spec)
    assert found.snapshot is None
    assert "sk-team" not in str(found.findings)


@pytest.mark.parametrize(("declared", "joins"), [("Error", False), ("Continue", True)])
def test_streams_are_joined_where_a_broken_one_is_to_be_continued(
    declared: str, *, joins: bool
) -> None:
    assert snapshot(resilience={"onBrokenStream": declared}).retries.joins_streams is joins
