from typing import get_args

from airouter.config.providers import OfferedApi
from airouter.providers.binding import OFFERS
from support.manifests import credential, findings


def test_every_api_that_a_credential_may_offer_is_asked_for() -> None:
    assert set(get_args(OfferedApi)) == {each for offers in OFFERS.values() for each in offers}


def test_the_time_that_conversations_stay_is_in_effect() -> None:
    assert findings(sessions={"stickiness": {"ttl": "1h"}}) == []


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
