"""The cache of Secrets: what is read, and what is noticed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airouter_operator.kube.objects import ObjectKey
from airouter_operator.watching.cache import ObjectCache, SecretCache

KEY, OTHER = ObjectKey("ai", "keys"), ObjectKey("ai", "other")


def cache(clock: Callable[[], float] = lambda: 0.0) -> SecretCache:
    return SecretCache(("data",), lambda key: key == KEY, 5.0, clock)


def body(version: int, uid: str = "u") -> dict[str, Any]:
    metadata = {"namespace": "ai", "name": "keys", "resourceVersion": str(version), "uid": uid}
    return {"metadata": metadata, "data": {"v": str(version)}}


def test_a_secret_is_read_when_it_is_needed_and_when_it_was_changed() -> None:
    secrets = cache()
    assert not secrets.is_current(KEY)
    secrets.take(KEY, body(5), secrets.changes(KEY))
    assert secrets.is_current(KEY)
    secrets.notice(KEY, 5)
    assert secrets.is_current(KEY), "what was read is what the watch tells of"
    secrets.notice(KEY, 6)
    assert not secrets.is_current(KEY)


def test_of_secrets_that_nobody_needs_nothing_is_kept() -> None:
    secrets = cache()
    secrets.notice(OTHER, 1)
    secrets.take(OTHER, body(1), 0)
    assert OTHER not in secrets
    assert secrets.changes(OTHER) == 0


def test_a_deletion_is_not_lost_to_a_read_from_before() -> None:
    secrets = cache()
    changes = secrets.changes(KEY)
    secrets.drop(KEY, "u")
    secrets.take(KEY, body(5), changes)
    assert not secrets.is_current(KEY)


def test_a_secret_of_a_backup_replaces_a_newer_one() -> None:
    secrets = cache()
    secrets.take(KEY, body(100), 0)
    secrets.drop(KEY)
    secrets.take(KEY, body(50), secrets.changes(KEY))
    assert secrets.version(KEY) == 50
    assert secrets.is_current(KEY)


def test_what_is_gone_is_remembered_until_it_is_back() -> None:
    secrets = cache()
    secrets.take(KEY, body(5), 0)
    secrets.drop(KEY, "u")
    last = secrets.last_value(KEY)
    assert last is not None
    assert (last.body["data"], last.until) == ({"v": "5"}, 5.0)
    secrets.take(KEY, body(9, "successor"), secrets.changes(KEY))
    assert secrets.last_value(KEY) is None


def test_what_is_gone_is_forgotten_after_the_grace() -> None:
    now = [0.0]
    secrets = cache(lambda: now[0])
    secrets.take(KEY, body(5), 0)
    secrets.drop(KEY, "u")
    now[0] = 4.9
    assert secrets.last_value(KEY) is not None
    now[0] = 5.0
    assert secrets.last_value(KEY) is None


def test_a_status_is_of_the_spec_as_it_is_until_the_next_spec_or_the_end() -> None:
    configs = ObjectCache(("spec", "status"))

    def put(version: int, generation: int, observed: int | None) -> None:
        told = body(version)
        told["metadata"]["generation"] = generation
        configs.put(KEY, told | ({} if observed is None else status(observed)))

    def status(observed: int) -> dict[str, Any]:
        return {"status": {"observedGeneration": observed}}

    seen = []
    for version, generation, observed in ((1, 1, None), (2, 1, 1), (3, 2, 1), (2, 1, 1), (4, 2, 2)):
        put(version, generation, observed)
        seen.append(configs.is_observed(KEY))
    configs.drop(KEY, "another")
    assert [*seen, configs.is_observed(KEY)] == [False, True, False, False, True, True]
    configs.drop(KEY, "u")
    assert not configs.is_observed(KEY)
