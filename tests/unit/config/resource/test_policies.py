from typing import Any

import pytest

from airouter.config.loader import load_config
from support.manifests import client, document


@pytest.mark.parametrize(
    ("spec", "finding"),
    [
        (
            {"resilience": {"retries": {"backoff": {"initial": "3s"}}}},
            "spec.resilience.retries.backoff: initial is longer than max",
        ),
        (
            {"resilience": {"retries": {"onStatus": [200]}}},
            "spec.resilience.retries.onStatus[0]: is too small",
        ),
        (
            {"resilience": {"retries": {"onStatus": [429, 429]}}},
            "spec.resilience.retries.onStatus: has a duplicate entry",
        ),
        (
            {"resilience": {"retries": {"budgetPercent": 101}}},
            "spec.resilience.retries.budgetPercent: is too large (fix: use 100 or less)",
        ),
        (
            {"resilience": {"fail2ban": {"rules": [{"statusCode": 429}, {"statusCode": 429}]}}},
            "spec.resilience.fail2ban.rules: has a duplicate entry",
        ),
        (
            {"sessions": {"stickiness": {"enabled": "yes"}}},
            "spec.sessions.stickiness.enabled: is a string (fix: use true or false)",
        ),
        (
            {"responses": {"storage": {"type": "Redis"}}},
            "spec.redis: is required for responses.storage of type Redis",
        ),
        ({"responses": {"sealing": {"keys": []}}}, "spec.responses.sealing.keys: has too few"),
        ({"responses": []}, "spec.responses: is a list (fix: use a mapping)"),
        (
            {"responses": {"storage": "Redis"}},
            "spec.responses.storage: is a string (fix: use a mapping)",
        ),
        ({"telemetry": {"traces": {"sampleRatio": 1.0}}}, "spec.telemetry.traces.sampleRatio: is"),
        ({"auth": {"anonymous": "allow"}}, "spec.auth.anonymous: is not a known value"),
        ({"auth": {"masterKey": {"secretRef": "sk-1"}}}, "spec.auth.masterKey.secretRef: is a str"),
        ({"auth": {"clients": [client(models=["a b"])]}}, "spec.auth.clients[name=team].models[0]"),
    ],
)
def test_a_mistake_is_told_at_its_place(spec: dict[str, Any], finding: str) -> None:
    (found,) = load_config(document(**spec)).findings
    assert str(found).removeprefix("error: ").startswith(finding)


def test_a_storage_in_redis_is_fine_with_a_redis() -> None:
    spec = {
        "responses": {"storage": {"type": "Redis"}},
        "redis": {"urlSecretRef": {"name": "redis"}},
    }
    assert load_config(document(**spec)).findings == ()
