import logging

import pytest

from airouter.config.findings import Compiled, Finding
from airouter.config.snapshot import Model, Snapshot
from airouter.config.store import Reload, SnapshotStore

ERROR = Finding("error", ("spec", "models"), "is not a list", file="a.yaml", line=3)
WARNING = Finding("warning", ("spec", "redis"), "is not in effect", file="a.yaml", line=9)


class Clock:
    """Seconds that pass when it is said."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Router:
    """Takes snapshots over, until it is told to fail."""

    def __init__(self) -> None:
        self.applied: list[Snapshot] = []
        self.failing = False

    def apply(self, snapshot: Snapshot) -> None:
        if self.failing:
            raise ValueError("no pool")
        self.applied.append(snapshot)


def good(name: str = "gpt", *findings: Finding) -> Compiled:
    return Compiled(Snapshot(models=(Model(name),)).seal(), findings)


def bad(*findings: Finding) -> Compiled:
    return Compiled(None, findings)


def test_a_snapshot_is_applied() -> None:
    router, compiled = Router(), good()
    store = SnapshotStore(router.apply)
    assert store.offer(compiled, "a.yaml")
    assert router.applied == [compiled.snapshot]
    assert store.current is compiled.snapshot


def test_the_same_snapshot_is_not_applied_again() -> None:
    router, clock = Router(), Clock()
    store = SnapshotStore(router.apply, clock)
    store.offer(good(), "a.yaml")
    clock.now += 60
    assert store.offer(good(), "a.yaml")
    assert len(router.applied) == 1
    assert (store.reload.loaded_at, store.reload.at) == (1_700_000_000.0, 1_700_000_060.0)


def test_a_rejected_configuration_leaves_the_last_good_one() -> None:
    store = SnapshotStore(Router().apply)
    store.offer(good(), "a.yaml")
    served = store.current
    assert not store.offer(bad(ERROR), "a.yaml")
    assert store.current is served
    assert (store.reload.successful, store.reload.error) == (
        False,
        "the configuration was rejected",
    )
    assert store.reload.version == served.version if served else None


def test_a_snapshot_that_cannot_be_applied_leaves_the_last_good_one() -> None:
    router = Router()
    store = SnapshotStore(router.apply)
    store.offer(good("old"), "a.yaml")
    router.failing = True
    assert not store.offer(good("new"), "a.yaml")
    assert store.current == good("old").snapshot
    assert store.reload.error == "cannot be applied: ValueError"


def test_the_last_good_configuration_offered_again_makes_all_well() -> None:
    store = SnapshotStore(Router().apply)
    store.offer(good(), "a.yaml")
    store.offer(bad(ERROR), "a.yaml")
    store.offer(good(), "a.yaml")
    assert (store.reload.successful, store.reload.error, store.reload.findings) == (True, "", ())


def test_a_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    store = SnapshotStore(Router().apply)
    store.offer(bad(ERROR), "a.yaml")
    store.offer(bad(ERROR), "a.yaml")
    assert [record.getMessage() for record in caplog.records] == [
        "a.yaml:3: error: spec.models: is not a list",
        "a.yaml: the configuration was rejected; nothing is served",
    ]


def test_another_failure_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    router = Router()
    store = SnapshotStore(router.apply)
    store.offer(good(), "a.yaml")
    store.offer(bad(ERROR), "a.yaml")
    router.failing = True
    store.offer(good("new"), "a.yaml")
    assert [r.getMessage() for r in caplog.records if r.name == "airouter.config"][-2:] == [
        "a.yaml: the configuration was rejected; the last good one is kept",
        "a.yaml: cannot be applied: ValueError; the last good one is kept",
    ]


def test_a_finding_is_logged_when_it_is_new(caplog: pytest.LogCaptureFixture) -> None:
    store = SnapshotStore(Router().apply)
    store.offer(good("a", WARNING), "a.yaml")
    store.offer(good("b", WARNING), "a.yaml")
    store.offer(good("c", WARNING, ERROR), "a.yaml")
    assert [(r.levelno, r.getMessage()) for r in caplog.records] == [
        (logging.WARNING, "a.yaml:9: warning: spec.redis: is not in effect"),
        (logging.ERROR, "a.yaml:3: error: spec.models: is not a list"),
    ]


def test_a_flood_of_findings_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    SnapshotStore(Router().apply).offer(
        good("a", *(Finding("error", (n,), "x") for n in range(60))), "a"
    )
    assert len(caplog.records) == 51
    assert caplog.messages[-1] == "and 10 more findings"


def test_a_change_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = SnapshotStore(Router().apply)
    store.offer(good(), "a.yaml")
    store.offer(good(), "a.yaml")
    (record,) = caplog.records
    assert store.current is not None
    assert record.getMessage() == (
        f"a.yaml: configuration {store.current.version[:8]} is live, models: 1, credentials: 0"
    )


def test_health_is_told_all_of_it() -> None:
    clock = Clock()
    store = SnapshotStore(Router().apply, clock)
    store.offer(good("a", WARNING), "a.yaml")
    clock.now += 1.5
    store.offer(bad(ERROR), "a.yaml")
    assert store.current is not None
    assert store.reload.as_json(names=True) == {
        "source": "a.yaml",
        "version": store.current.version,
        "loaded_at": "2023-11-14T22:13:20.000+00:00",
        "last_reload_successful": False,
        "last_reload_at": "2023-11-14T22:13:21.500+00:00",
        "error": "the configuration was rejected",
        "findings": ["a.yaml:3: error: spec.models: is not a list"],
    }


def test_before_the_first_offer_nothing_has_happened() -> None:
    told = SnapshotStore(Router().apply).reload.as_json(names=True)
    assert (told["version"], told["loaded_at"], told["last_reload_successful"]) == ("", "", False)


def test_health_is_spared_a_flood_of_findings() -> None:
    findings = tuple(Finding("error", ("a", n), "x") for n in range(60))
    told = Reload(findings=findings).as_json(names=True)["findings"]
    assert (len(told), told[-1]) == (51, "and 10 more")
