from typing import Any

import pytest

from airouter.config.snapshot import (
    Ban,
    Fail2ban,
    ResponseStorage,
    Retries,
    Snapshot,
    Stickiness,
    Traces,
)
from airouter.state.redis import RedisStore
from support.manifests import compiled, findings, snapshot

REDIS = {"urlSecretRef": {"name": "redis"}}


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
        telemetry={"traces": {"sampleRatio": "0.25", "captureContent": True}},
    )
    assert found.retries == Retries(1, (500,), 0.0, 60.0, 5.0)
    assert found.fail2ban == Fail2ban(Ban(5, 180.0), 120.0, (500,), ((429, Ban(1, 5.0)),))
    assert found.stickiness == Stickiness(enabled=False, ttl=3600.0)
    assert found.storage == ResponseStorage("None", 3600.0, 7)
    assert found.traces == Traces(0.25, capture_content=True)


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


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("redis://h:port/0", "is not a Redis URL"),
        ("redis://:sk-hidden@h:99999/0", "is not a Redis URL"),
        ("rediss://[::1/0", "is not a Redis URL"),
        ("http://h:6379/0", "is not a Redis URL"),
        ("h:6379", "is not a Redis URL"),
        ("redis://h?db=first", "has an option 'db' that is not a number"),
        ("redis://h?socket_timeout=sk-hidden", "has an option 'socket_timeout' that is not a"),
        ("redis://h?max_connections=1.5", "has an option 'max_connections' that is not a number"),
        ("unix:///s?protocol=x", "has an option 'protocol' that is not a number"),
    ],
)
def test_a_url_of_redis_that_no_router_could_use_is_refused_where_it_is_compiled(
    url: str, what: str
) -> None:
    secrets = {("redis", "url"): url}
    with pytest.raises(ValueError, match=r".*"):
        RedisStore(url, 60.0)
    assert compiled(secrets, redis=REDIS).snapshot is None
    (found,) = findings(secrets, redis=REDIS)
    assert found.startswith(f"error: spec.redis.urlSecretRef: {what}")
    assert "redis://host:6379/0" in found
    assert "sk-hidden" not in found


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://h:6379/0",
        "REDIS://h:6379",
        "rediss://user:p%40ss@[::1]:6380/3?ssl_cert_reqs=none",
        "redis://h?db=2&socket_timeout=0.5&protocol=3&client_name=a",
        "unix:///run/redis.sock?db=1",
    ],
)
async def test_a_url_that_a_router_can_use_is_taken_as_it_is(url: str) -> None:
    RedisStore(url, 60.0)
    assert snapshot({("redis", "url"): url}, redis=REDIS).redis_url == url
