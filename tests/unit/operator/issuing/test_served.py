"""The keys that pods serve, and the RouterKeys of which there is news."""

from __future__ import annotations

from typing import Any

from airouter.config.findings import KeyRefusal
from airouter_operator.issuing.served import KeysServed
from airouter_operator.kube.objects import ObjectKey
from airouter_operator.reconciling.outcome import ReconcileOutcome

CONFIG = ObjectKey("ai", "default")
KEYS = [ObjectKey("a", "one"), ObjectKey("a", "two")]


class Told:
    """Keys served, and the RouterKeys that were told of it."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.served = KeysServed(lambda _: KEYS, lambda key: self.news.append(str(key)))

    def update(
        self,
        keys: dict[str, str],
        status: str = "True",
        reason: str = "Programmed",
        generation: int = 1,
        **outcome: Any,
    ) -> list[str]:
        """Have a reconciliation come to something; the RouterKeys that were told."""
        self.news.clear()
        conditions = [{"type": "Programmed", "status": status, "reason": reason}]
        body = {"metadata": {"uid": "u", "generation": generation}}
        self.served.update(
            CONFIG, body, ReconcileOutcome((), keys=keys, **outcome), {"conditions": conditions}
        )
        return list(self.news)

    def condition(self, name: str, sha: str) -> tuple[str, str]:
        served = self.served.of(CONFIG)
        assert served is not None
        found = served.condition(name, sha)
        return found.status, found.reason


def test_a_key_is_programmed_once_every_pod_has_it() -> None:
    told = Told()
    told.update({"a/one": "1"}, "False", "Pending")
    assert told.condition("a/one", "1") == ("False", "Pending")
    told.update({"a/one": "1"})
    assert told.condition("a/one", "1") == ("True", "Programmed")


def test_a_key_stays_programmed_while_pods_take_another_snapshot() -> None:
    told = Told()
    told.update({"a/one": "1"})
    told.update({"a/one": "1", "a/two": "2"}, "False", "Pending")
    assert told.condition("a/one", "1") == ("True", "Programmed")
    assert told.condition("a/two", "2") == ("False", "Pending")


def test_a_key_that_was_replaced_is_not_programmed_before_pods_have_it() -> None:
    told = Told()
    told.update({"a/one": "1"})
    assert told.condition("a/one", "new") == ("False", "Pending")
    told.update({"a/one": "new"}, "False", "Pending")
    assert told.condition("a/one", "new") == ("False", "Pending")


def test_without_pods_nothing_is_known_of_a_key() -> None:
    told = Told()
    told.update({"a/one": "1"}, "Unknown", "NoPods")
    assert told.condition("a/one", "1") == ("Unknown", "NoPods")


def test_a_key_that_was_refused_says_why() -> None:
    told = Told()
    told.update({}, refused_keys={"a/one": KeyRefusal("TooManyKeys", "too many")})
    assert told.condition("a/one", "1") == ("False", "TooManyKeys")


def test_only_keys_of_which_there_is_news_are_told() -> None:
    told = Told()
    assert told.update({"a/one": "1"}) == ["a/one", "a/two"]
    assert told.update({"a/one": "1"}) == []
    assert told.update({"a/one": "1"}, "False", "Pending") == ["a/two"]
    assert told.update({"a/one": "1", "a/two": "2"}) == ["a/two"]
    assert told.update({"a/one": "1", "a/two": "2"}, generation=2) == ["a/one", "a/two"]


def test_what_could_not_be_published_changes_nothing() -> None:
    told = Told()
    told.update({"a/one": "1"})
    assert told.update({}, unpublished="no right") == []
    assert told.condition("a/one", "1") == ("True", "Programmed")


def test_a_router_that_is_gone_is_told_once() -> None:
    told = Told()
    told.update({"a/one": "1"})
    told.news.clear()
    told.served.forget(CONFIG)
    assert told.news == ["a/one", "a/two"]
    told.served.forget(CONFIG)
    assert told.news == ["a/one", "a/two"]
