"""RouterConfigs and RouterKeys that must be accepted, and those that must be refused.

The pydantic models and a real API server are held against the same samples. `accepted/`,
`rejected/` and `routerkeys/` hold them as people write them; `bounds.py` makes those that are too
large for that.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from support.crd import bounds
from support.crd.sample import Sample, sample_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Sample", "accepted", "accepted_keys", "rejected", "rejected_keys"]

HERE = Path(__file__).parent


def accepted() -> list[Sample]:
    """Every sample in which nothing is wrong."""
    return [*written("accepted"), *bounds.reached()]


def rejected() -> list[Sample]:
    """Every sample in which one field is wrong."""
    return [*written("rejected"), *bounds.exceeded()]


def accepted_keys() -> list[Sample]:
    """Every RouterKey in which nothing is wrong."""
    return list(written("routerkeys", "accepted.yaml"))


def rejected_keys() -> list[Sample]:
    """Every RouterKey in which one field is wrong."""
    return list(written("routerkeys", "rejected.yaml"))


def written(folder: str, files: str = "*.yaml") -> Iterator[Sample]:
    """The samples in the files of a folder, which hold several documents each."""
    for path in sorted((HERE / folder).glob(files)):
        yield from map(sample_of, path.read_text(encoding="utf-8").split("\n---\n"))
