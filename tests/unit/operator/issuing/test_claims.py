"""Where several operators watch a namespace, one of them reconciles a RouterKey."""

from __future__ import annotations

import pytest

from airouter_operator.issuing.claims import is_anothers
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.leading.ownership import Ownership
from airouter_operator.retry import RetryLater

ROUTER = ObjectKey("ai", "default")


def admitted(status: str) -> Object:
    return {"status": {"conditions": [{"type": "Admitted", "status": status}]}}


def test_who_gives_a_router_config_way_leaves_its_keys_alone() -> None:
    ownership = Ownership("https://b", lambda: 0.0)
    assert not is_anothers(ownership, [None], ROUTER, {})
    ownership.check_owner(ROUTER, "https://b")
    with pytest.raises(RetryLater):
        ownership.check_owner(ROUTER, "https://a")
    assert is_anothers(ownership, [None], ROUTER, {})
    assert is_anothers(ownership, ["ai"], ROUTER, {})


@pytest.mark.parametrize(
    ("body", "anothers"), [({}, False), (admitted("False"), False), (admitted("True"), True)]
)
def test_who_does_not_see_a_router_says_nothing_against_who_does(
    body: Object, anothers: bool
) -> None:
    ownership = Ownership("https://b", lambda: 0.0)
    assert is_anothers(ownership, ["team-a"], ROUTER, body) is anothers
    assert not is_anothers(ownership, ["team-a", "ai"], ROUTER, body)
