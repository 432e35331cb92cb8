"""The reports of pods that the status of a RouterKey counts, which it names itself.

A pod tells a report again until it is answered. Whether one is counted already must be known to an
operator that leads since then, and to one whose write of the status was made, though no answer
came: only the status knows. Each process tells its reports in order, so the last one is enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from airouter_operator.kube.objects import ObjectKey

COUNTED_REPORTS = "countedReports"
"""The field of the status: a `process/number` for each process, the one counted last at the end."""
MOST_REPORTS = 32
"""Processes that a status names: those whose reports came last, as older ones are answered."""


class KeptObjects(Protocol):
    """Objects as the mirror has them."""

    def get(self, key: ObjectKey) -> Mapping[str, Any] | None: ...


def counted_in(status: Mapping[str, Any]) -> dict[str, int]:
    """Return the last report of each process that a status counts."""
    parts = (str(each).rpartition("/") for each in status.get(COUNTED_REPORTS) or ())
    return {process: int(number) for process, _, number in parts if number.isdecimal()}


def counted_of(keys: KeptObjects, key: ObjectKey) -> dict[str, int]:
    """Return the last report of each process that the status of a RouterKey counts."""
    body = keys.get(key) or {}
    return counted_in(body.get("status") or {})


def with_reports(counted: Mapping[str, int], later: Mapping[str, int]) -> dict[str, int]:
    """Return the last report of each process, of those whose reports came last."""
    former = {process: each for process, each in counted.items() if process not in later}
    both = {**former, **later}
    return dict(list(both.items())[-MOST_REPORTS:])


def report_names(counted: Mapping[str, int]) -> list[str]:
    """Return reports as a status has them."""
    return [f"{process}/{number}" for process, number in counted.items()]


def counts_all(counted: Mapping[str, int], reports: Mapping[str, int]) -> bool:
    """Return whether reports are counted already; of none at all nobody knows."""
    told: Iterable[tuple[str, int]] = reports.items()
    return bool(reports) and all(counted.get(process, 0) >= number for process, number in told)
