from typing import Any, get_args

import pytest

from airouter.config.providers import OfferedApi
from airouter.providers.binding import OFFERS
from support.manifests import credential, findings

LATER = "is accepted but has no effect in this version"


def test_every_api_that_a_credential_may_offer_is_asked_for() -> None:
    assert set(get_args(OfferedApi)) == {each for offers in OFFERS.values() for each in offers}


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"sessions": {"stickiness": {"ttl": "1h"}}}, "sessions.stickiness.ttl"),
    ],
)
def test_a_field_that_does_nothing_yet_is_never_silent(spec: dict[str, Any], field: str) -> None:
    assert findings(**spec) == [f"warning: spec.{field}: {LATER}"]


def test_a_field_at_its_default_changes_nothing_and_needs_no_warning() -> None:
    spec: dict[str, Any] = {
        "credentials": [credential(limits={})],
        "responses": {"storage": {"type": "Memory"}},
        "telemetry": {"traces": {"captureContent": False}},
    }
    assert findings(**spec) == []


def test_sessions_of_a_provider_are_in_effect() -> None:
    assert findings(credentials=[credential(api=["chat", "responses-ws"])]) == []


def test_a_mock_has_no_websocket() -> None:
    declared = credential(type="Mock", api=["chat", "responses-ws"], baseURL=None, secretRef=None)
    assert (
        "warning: spec.credentials[name=main].api: responses-ws has no effect on type Mock"
    ) in findings(credentials=[declared])


def test_a_mock_has_no_use_for_a_network() -> None:
    headers = [{"name": "x-a", "value": "b"}]
    declared = credential(type="Mock", secretRef={"name": "nobody"}, headers=headers)
    assert findings(credentials=[declared]) == [
        f"warning: spec.credentials[name=main].{field}: has no effect on type Mock"
        for field in ("baseURL", "headers", "secretRef")
    ]
