"""Failures of the API server, explained."""

from __future__ import annotations

import pytest

from airouter_operator.kube.errors import (
    KubeError,
    TimedOut,
    explain_failure,
    explain_refusal,
    is_write_refusal,
)


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


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KubeError("PATCH /x", 500), "does not take Secret s: status 500 (fix: see "),
        (TimedOut("PATCH /x"), "does not take Secret s: no answer in time (fix: see "),
    ],
)
def test_a_webhook_that_does_not_answer_refuses_a_write(error: KubeError, said: str) -> None:
    assert is_write_refusal(error)
    assert said in explain_refusal("s", error)


@pytest.mark.parametrize("status", [0, 401, 404, 409, 429, 503])
def test_what_passes_by_itself_is_no_refusal(status: int) -> None:
    assert not is_write_refusal(KubeError("PATCH /x", status))
