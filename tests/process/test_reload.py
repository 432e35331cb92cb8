"""A file that changes under load: no request fails, every change is live."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from support.config import MASTER_KEY, manifest
from support.http_client import PATIENCE, http_client
from support.router import RouterProcess, router_process

CHANGES = 8
LOADERS = 8


def numbered(number: int) -> str:
    """The model `steady`, and others, keys and credentials that change with the number."""
    mocks: list[dict[str, Any]] = [
        {"name": f"mock-{i}", "type": "Mock"} for i in range(1 + number % 4)
    ]
    backends = [{"credential": mock["name"]} for mock in mocks]
    models = [{"name": name, "backends": backends} for name in ("steady", f"model-{number}")]
    return manifest(mocks, models, secrets={"team": f"sk-team-{number}"})


async def load(router: RouterProcess, stop: asyncio.Event, statuses: list[int]) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    body = {"model": "steady", "messages": [{"role": "user", "content": "Hi"}]}
    async with http_client(base_url=router.base_url, headers=headers) as client:
        while not stop.is_set():
            statuses.append((await client.post("/chat/completions", json=body)).status_code)


def write_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def rename_over(path: Path, text: str) -> None:
    """As editors do."""
    draft = path.with_suffix(".tmp")
    draft.write_text(text)
    draft.rename(path)


def flip_data_link(path: Path, text: str) -> None:
    """As the kubelet does: the file is a link through `..data`, which is replaced."""
    data = path.parent / "..data"
    version = path.parent / f"..{len(list(path.parent.iterdir()))}"
    version.mkdir()
    (version / path.name).write_text(text)
    link = path.parent / "..data_tmp"
    link.symlink_to(version.name)
    link.rename(data)
    if not path.is_symlink():
        path.unlink(missing_ok=True)
        path.symlink_to(Path("..data") / path.name)


@pytest.mark.parametrize("change", [write_in_place, rename_over, flip_data_link])
async def test_changes_under_load_are_live_and_fail_no_request(tmp_path: Path, change: Any) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    path = folder / "router.yaml"
    change(path, numbered(0))
    async with router_process(tmp_path, "-f", str(path)) as router:
        stop, statuses = asyncio.Event(), list[int]()
        loaders = [asyncio.create_task(load(router, stop, statuses)) for _ in range(LOADERS)]
        for number in range(1, CHANGES):
            version = (await router.health())["config"]["version"]
            change(path, numbered(number))
            await router.until_live(version)
        stop.set()
        await asyncio.gather(*loaders)
    assert len(statuses) > 100
    assert set(statuses) == {200}


def replace(path: Path, text: str) -> None:
    """Put a whole file in the place of another: nobody sees a part of it."""
    new = path.with_name("new")
    new.write_text(text)
    new.replace(path)


async def test_a_broken_file_keeps_the_last_good_one_and_says_so_once(tmp_path: Path) -> None:
    path = tmp_path / "router.yaml"
    path.write_text(numbered(0))
    async with router_process(tmp_path, "-f", str(path)) as router:
        version = (await router.health())["config"]["version"]
        replace(path, "spec: [")
        async with asyncio.timeout(PATIENCE):
            while (await router.health())["config"]["last_reload_successful"]:
                await asyncio.sleep(0.02)
        assert await router.metric("airouter_config_last_reload_successful") == 0.0
        assert (await router.health())["config"]["version"] == version
        replace(path, numbered(1))
        await router.until_live(version)
        assert await router.metric("airouter_config_last_reload_successful") == 1.0
        assert router.log.count("the last good one is kept") == 1
