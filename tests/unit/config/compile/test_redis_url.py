"""A URL of Redis is refused where it is compiled exactly when a router could not use it."""

import pytest

from airouter.state.redis import RedisStore
from support.manifests import compiled, findings, snapshot

REDIS = {"urlSecretRef": {"name": "redis"}}


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
