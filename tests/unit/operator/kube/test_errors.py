"""Failures of the API server, explained."""

from __future__ import annotations

import pytest

from airouter_operator.kube.errors import KubeError, explain_failure


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "the API server does not take the operator's token (GET /x/routerconfigs)"),
        (403, "may not list: see manifests/install/rbac.yaml (GET /x/routerconfigs)"),
        (404, "is not installed: kubectl apply -f manifests/crds"),
        (500, "does not do as it is asked: GET /x/routerconfigs"),
    ],
)
def test_an_obstacle_is_told_with_what_would_help(status: int, said: str) -> None:
    assert explain_failure("list", KubeError("GET /x/routerconfigs", status)).endswith(said)
