"""Changes of keys travel in place of all keys, and come to the very same snapshot."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from airouter.config import key_changes
from airouter.config.delivery import Undeliverable
from airouter.config.key_changes import after_changes, changes_between, read_changes
from airouter.config.snapshot import Auth, ClientKey, Model, Snapshot


def key(name: str, sha: str = "") -> ClientKey:
    return ClientKey(name, sha or f"sha of {name}", grant="teams")


def snapshot(*clients: ClientKey, serial: int = 1, model: str = "m") -> Snapshot:
    made = Snapshot(auth=Auth(clients=clients), models=(Model(model),)).seal("token")
    return msgspec.structs.replace(made, serial=serial)


A, B, C, D = map(key, "abcd")
KEYS = {
    "none": (),
    "some": (A, B, C),
    "one more": (A, B, C, D),
    "one in between": (A, key("e"), B, C),
    "another key": (A, key("b", "new"), C),
    "some gone": (A, C),
    "all others": (key("a", "1"), key("b", "2"), D),
}


@pytest.mark.parametrize(("first", "second"), list(permutations(KEYS, 2)))
def test_whoever_has_the_snapshot_before_comes_to_the_next(first: str, second: str) -> None:
    before, after = snapshot(*KEYS[first]), snapshot(*KEYS[second], serial=2)
    changes = changes_between(before, after)
    assert changes is not None
    assert changes.base == before.version
    assert after_changes(before, read_changes(msgspec.json.encode(changes))) == after


@pytest.mark.parametrize(
    "after",
    [snapshot(A, B, model="other"), snapshot(B, A)],
    ids=["another model", "another order"],
)
def test_what_is_more_than_keys_travels_as_a_whole(after: Snapshot) -> None:
    assert changes_between(snapshot(A, B), after) is None


def test_very_many_changes_travel_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_changes, "MOST_CHANGED", 2)
    assert changes_between(snapshot(), snapshot(A, B)) is not None
    assert changes_between(snapshot(), snapshot(A, B, C)) is None


def test_what_is_no_change_is_refused() -> None:
    with pytest.raises(Undeliverable, match="is not the JSON of KeyChanges"):
        read_changes(b"[]")
