"""The policies for bans, as a router gets them."""

from typing import Any

from airouter.config.snapshot import BanThreshold, Fail2ban
from support.manifests import credential, findings, snapshot


def shared(**fail2ban: Any) -> Fail2ban | None:
    """The policy of all credentials."""
    return snapshot(resilience={"fail2ban": fail2ban}).fail2ban


def own(declared: dict[str, Any] | None, **resilience: Any) -> Fail2ban | None:
    """The policy of one credential."""
    credentials = [credential(fail2ban=declared)]
    return snapshot(credentials=credentials, resilience=resilience).credentials[0].fail2ban


def test_bans_have_no_effect_that_a_warning_would_tell() -> None:
    assert findings(resilience={"fail2ban": {"scope": "Credential"}}) == []
    assert findings(credentials=[credential(fail2ban={})]) == []


def test_a_class_of_statuses_is_written_by_its_digit() -> None:
    found = shared(statusCodes=[429, "5xx"], rules=[{"statusCode": "4xx", "maxAttempts": 9}])
    assert found is not None
    assert found.status_codes == (429, 5)
    assert found.rules == ((4, BanThreshold(9, 60.0)),)


def test_rules_are_told_apart_by_status_and_code() -> None:
    found = shared(rules=[{"statusCode": 429}, {"errorCode": "429", "banDuration": "1h"}])
    assert found is not None
    assert found.rules == ((429, BanThreshold(3, 60.0)),)
    assert found.error_rules == (("429", BanThreshold(3, 3600.0)),)


def test_bans_double_up_to_an_hour_unless_the_first_is_longer() -> None:
    for declared, longest in (
        ({}, 3600.0),
        ({"maxBanDuration": "5m"}, 300.0),
        ({"banDuration": "720h"}, 2_592_000.0),
    ):
        found = shared(**declared)
        assert found is not None
        assert found.longest == longest


def test_a_credential_has_the_policy_of_all_unless_it_has_its_own() -> None:
    assert own(None, fail2ban={"maxAttempts": 7}) is None


def test_what_a_credential_leaves_open_is_as_for_all() -> None:
    found = own({"maxAttempts": 1}, fail2ban={"window": "5m", "scope": "Credential"})
    assert found == Fail2ban(
        default=BanThreshold(1, 60.0), window=300.0, longest=3600.0, whole_credential=True
    )


def test_a_credential_may_have_bans_where_others_have_none() -> None:
    assert own({"onAuthFailure": "Count"}) == Fail2ban(bans_auth_failures=False)


def test_a_credential_may_have_no_bans_where_others_have_some() -> None:
    off = {"statusCodes": [], "rules": [], "onAuthFailure": "Count"}
    found = own(off, fail2ban={"rules": [{"statusCode": 429}]})
    assert found is not None
    assert (found.status_codes, found.rules, found.bans_auth_failures) == ((), (), False)
