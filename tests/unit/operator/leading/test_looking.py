"""How often one that stands by looks at the Lease."""

from __future__ import annotations

import asyncio

import pytest

from airouter_operator.kube.errors import KubeError
from airouter_operator.kube.objects import Object
from airouter_operator.leading.lease import Leadership

HELD = {"holderIdentity": "one", "renewTime": "then", "leaseDurationSeconds": 8}


class ApiServer:
    """Has a Lease that is not renewed, until it is away."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks: list[float] = []
        """The time of each."""

    async def get(self, path: str) -> Object:
        self.looks.append(self.now)
        if self.now > 4:
            raise KubeError("connection refused")
        return {"metadata": {}, "spec": HELD}

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > 60:
            raise asyncio.CancelledError


async def test_a_lease_that_has_ended_is_not_looked_at_more_often_while_nobody_answers() -> None:
    kube = ApiServer()
    leadership = Leadership(
        kube,  # type: ignore[arg-type]  # all that is asked of it
        kube,  # type: ignore[arg-type]
        "ai",
        "two",
        8.0,
        lambda leading: None,
        sleep=kube.sleep,
        monotonic=lambda: kube.now,
    )
    with pytest.raises(asyncio.CancelledError):
        await leadership.run()
    assert len(kube.looks) < 70
