"""A RouterConfig that is applied again is as it was, whoever applies it, and by whichever way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airouter.config.documents import documents
from support.control_plane import ControlPlane
from support.crd import accepted

SAMPLES = Path(__file__).parents[2] / "manifests" / "samples"
WHOLE = {"everything", "empty-lists", "empty-blocks"}
EVERY = pytest.mark.parametrize(
    "text",
    [
        *(
            pytest.param(path.read_text(), id=path.stem)
            for path in sorted(SAMPLES.glob("*.yaml"))
            if path.stem != "kustomization"
        ),
        *(pytest.param(s.text, id=s.name) for s in accepted() if s.name in WHOLE),
    ],
)
CLIENT_SIDE = ("apply", "-f", "-")
SERVER_SIDE = ("apply", "--server-side", "-f", "-")
ARGO = (*SERVER_SIDE, "--field-manager=argocd-controller")


@EVERY
async def test_it_is_unchanged_by_a_second_client_side_apply(
    plane: ControlPlane, text: str
) -> None:
    assert (await plane.kubectl(*CLIENT_SIDE, stdin=text)).strip().endswith(" created")
    assert (await plane.kubectl(*CLIENT_SIDE, stdin=text)).strip().endswith(" unchanged")


@EVERY
async def test_a_server_side_apply_conflicts_with_no_client_side_apply(
    plane: ControlPlane, text: str
) -> None:
    await plane.kubectl(*CLIENT_SIDE, stdin=text)
    before = await stored(plane, text)
    await plane.kubectl(*ARGO, stdin=text)
    await plane.kubectl(*SERVER_SIDE, stdin=text)
    assert await stored(plane, text) == before


@EVERY
async def test_a_client_side_apply_changes_nothing_that_was_applied_server_side(
    plane: ControlPlane, text: str
) -> None:
    await plane.kubectl(*SERVER_SIDE, stdin=text)
    before = await stored(plane, text)
    await plane.kubectl(*SERVER_SIDE, stdin=text)
    assert await stored(plane, text) == before
    await plane.kubectl(*CLIENT_SIDE, stdin=text)
    assert (await plane.kubectl(*CLIENT_SIDE, stdin=text)).strip().endswith(" unchanged")
    after = await stored(plane, text)
    assert (after["spec"], after["generation"]) == (before["spec"], before["generation"])


@EVERY
async def test_what_is_declared_and_what_is_stored_differ_in_no_list(
    plane: ControlPlane, text: str
) -> None:
    """Argo CD merges what is declared into what is stored, and a list of one owner as a whole."""
    await plane.kubectl(*SERVER_SIDE, stdin=text)
    kept = await stored(plane, text)
    assert lists_of(declared(text)["spec"]) == lists_of(kept["spec"])


def declared(text: str) -> dict[str, Any]:
    """The object in a manifest."""
    (document,) = documents(text)
    found: dict[str, Any] = document.root.value
    return found


async def stored(plane: ControlPlane, text: str) -> dict[str, Any]:
    """The spec of the object that a manifest is about, and what tells of a change of it."""
    found = await plane.config(declared(text)["metadata"]["name"])
    return {"spec": found["spec"], "generation": found["metadata"]["generation"]}


def lists_of(part: Any, place: str = "spec") -> dict[str, list[Any]]:
    """Every list by its place."""
    return dict(_lists_of(part, place))


def _lists_of(part: Any, place: str) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(part, list):
        yield place, part
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _lists_of(inner, f"{place}.{name}")
