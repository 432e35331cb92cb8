"""Real files, changed in every way that people and Kubernetes change them."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from airouter.config.store import SnapshotStore
from airouter.sources.manifests import (
    FIRST_RETRY,
    MAX_BYTES,
    ManifestSource,
    compile_files,
)
from support.manifests import ROUTER_YAML, lines
from support.open_files import no_more_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airouter.config.findings import Compiled
    from airouter.config.snapshot import Snapshot


def manifest(model: str) -> str:
    return ROUTER_YAML.replace("name: echo", f"name: {model}")


def write(path: Path, model: str) -> None:
    path.write_text(manifest(model), encoding="utf-8")


class Watched:
    """A source and the names of the models that it brought into service, in order."""

    def __init__(self, *paths: Path, **options: Any) -> None:
        self.models: list[str] = []
        self.changed = asyncio.Event()
        self.store = SnapshotStore(self._apply)
        self.source = ManifestSource(paths, self.store, environ={}, **options)

    def _apply(self, snapshot: Snapshot) -> None:
        self.models.append(snapshot.models[0].name)
        self.changed.set()

    async def settle(self) -> None:
        """Look as often as it takes to notice a change and to see that it is over."""
        for _ in range(3):
            await self.source.look()

    async def until_retried(self) -> None:
        """Look as often as it takes to try again."""
        for _ in range(2 * FIRST_RETRY):
            await self.source.look()


def loaded(*paths: Path) -> Watched:
    watched = Watched(*paths)
    watched.source.load()
    return watched


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "router.yaml"
    write(path, "one")
    return path


async def test_files_are_read_at_start_up(file: Path) -> None:
    watched = Watched(file)
    assert watched.source.load().findings == ()
    assert watched.models == ["one"]
    assert watched.store.reload.source == str(file)


async def test_a_write_in_place_is_noticed(file: Path) -> None:
    watched = loaded(file)
    write(file, "two")
    await watched.settle()
    assert watched.models == ["one", "two"]


async def test_a_file_renamed_over_is_noticed(file: Path) -> None:
    watched = loaded(file)
    other = file.with_suffix(".new")
    write(other, "two")
    other.replace(file)
    await watched.settle()
    assert watched.models == ["one", "two"]


async def test_a_mounted_volume_that_flips_its_link_is_noticed(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        (tmp_path / f"..{version}").mkdir()
        write(tmp_path / f"..{version}" / "router.yaml", version)
    (tmp_path / "..data").symlink_to("..v1")
    (tmp_path / "router.yaml").symlink_to("..data/router.yaml")
    watched = loaded(tmp_path)
    (tmp_path / "..data_tmp").symlink_to("..v2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    await watched.settle()
    assert watched.models == ["v1", "v2"]


async def test_a_file_that_comes_late_is_noticed(tmp_path: Path) -> None:
    watched = loaded(tmp_path / "router.yaml")
    assert not watched.store.reload.successful
    write(tmp_path / "router.yaml", "late")
    await watched.settle()
    assert watched.models == ["late"]


async def test_a_file_that_goes_away_leaves_what_it_said(file: Path) -> None:
    watched = loaded(file)
    file.unlink()
    await watched.settle()
    assert watched.store.current is not None
    assert [finding.what for finding in watched.store.reload.findings] == [
        "cannot be read: no such file or directory"
    ]


async def test_a_manifest_that_joins_a_directory_is_noticed(tmp_path: Path) -> None:
    router, secret = manifest("split").split("---\n")
    (tmp_path / "router.yaml").write_text(router, encoding="utf-8")
    watched = loaded(tmp_path)
    assert watched.models == []
    (tmp_path / "secret.yml").write_text(secret, encoding="utf-8")
    await watched.settle()
    assert watched.models == ["split"]


async def test_a_change_between_start_up_and_the_first_look_is_not_lost(file: Path) -> None:
    watched = loaded(file)
    before = file.stat()
    write(file, "two")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    await watched.settle()
    assert watched.models == ["one", "two"]


async def test_a_file_that_is_being_written_is_left_alone_until_it_rests(file: Path) -> None:
    watched = loaded(file)
    await watched.settle()
    write(file, "two")
    await watched.source.look()
    write(file, "three")
    await watched.source.look()
    assert watched.models == ["one"]
    await watched.source.look()
    assert watched.models == ["one", "three"]


async def test_a_file_that_never_rests_is_read_all_the_same(file: Path) -> None:
    watched = loaded(file)
    for number in range(8):
        write(file, f"model-{number}" + "x" * number)
        await watched.source.look()
    assert len(watched.models) == 2


async def test_a_touched_file_is_no_change(file: Path) -> None:
    watched = loaded(file)
    offered = watched.store.reload
    os.utime(file)
    await watched.settle()
    assert watched.store.reload is offered


async def test_a_broken_file_is_offered_once_and_mended_later(file: Path) -> None:
    watched = loaded(file)
    file.write_text("spec: [", encoding="utf-8")
    await watched.settle()
    failed = watched.store.reload
    await watched.settle()
    assert watched.store.reload is failed
    write(file, "mended")
    await watched.settle()
    assert watched.models == ["one", "mended"]


async def test_a_file_that_cannot_be_read_for_a_while_is_read_after_it(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = loaded(file)
    await watched.settle()
    write(file, "two")
    with no_more_files():
        await watched.settle()
        await watched.until_retried()
    assert caplog.messages == [
        f"{file}: error: cannot be read: too many open files",
        f"{file}: the configuration was rejected; the last good one is kept",
    ]
    await watched.until_retried()
    assert watched.models == ["one", "two"]
    assert watched.store.reload.successful


@pytest.mark.parametrize("other", ["missing.yaml", "router.yaml"])
async def test_what_reading_again_would_not_mend_is_not_read_again(file: Path, other: str) -> None:
    file.write_text("spec: [", encoding="utf-8")
    watched = loaded(file, file.with_name(other))
    await watched.settle()
    refused = watched.store.reload
    with no_more_files():
        await watched.until_retried()
    assert watched.store.reload is refused


async def test_watching_goes_on_until_it_is_cancelled(file: Path) -> None:
    watched = Watched(file, interval=0.005)
    watched.source.load()
    watched.changed.clear()
    task = asyncio.create_task(watched.source.watch())
    write(file, "two")
    await asyncio.wait_for(watched.changed.wait(), timeout=60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watched.models == ["one", "two"]


async def test_watching_survives_what_it_does_not_expect(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SnapshotStore):
        def offer(self, compiled: Compiled, source: str) -> bool:
            if len(slept) < FIRST_RETRY:
                raise RuntimeError("unexpected")
            return super().offer(compiled, source)

    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) > 2 * FIRST_RETRY:
            raise asyncio.CancelledError

    store = Broken(lambda _: None)
    source = ManifestSource([file], store, environ={}, sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        await source.watch()
    assert caplog.messages == [f"{file}: cannot be watched"]
    assert store.reload.successful


def too_large(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_BYTES + 1))


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def nothing(path: Path) -> None:
    assert not path.exists()


def an_empty_directory(path: Path) -> None:
    path.mkdir()
    (path / ".hidden.yaml").write_text("x", encoding="utf-8")
    (path / "notes.txt").write_text("x", encoding="utf-8")


def a_crowded_directory(path: Path) -> None:
    path.mkdir()
    for number in range(300):
        (path / f"{number}.yaml").touch()


def a_link_to_itself(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (too_large, "is too large (fix: use at most 4 MiB)"),
        (a_pipe, "is not a regular file"),
        (nothing, "cannot be read: no such file or directory"),
        (an_empty_directory, "holds no file that ends in .yaml, .yml, .json"),
        (a_crowded_directory, "holds too many files (fix: use at most 256)"),
        (a_link_to_itself, "cannot be read: too many levels of symbolic links"),
    ],
)
async def test_what_cannot_be_read_is_a_finding(
    tmp_path: Path, make: Callable[[Path], None], what: str
) -> None:
    path = tmp_path / "x.yaml"
    make(path)
    found = compile_files([path], {})
    assert found.snapshot is None
    assert lines(found) == [f"{path}: error: {what}"]
    await ManifestSource([path], SnapshotStore(lambda _: None)).look()


def test_a_file_that_is_named_twice_is_read_once(file: Path) -> None:
    assert compile_files([file, file.parent, file], {}).findings == ()


def test_json_is_read_as_well(tmp_path: Path) -> None:
    config = {"apiVersion": "airouter.dev/v1alpha1", "kind": "RouterConfig"}
    text = json.dumps(config | {"metadata": {"name": "x"}}, indent="\t")
    (tmp_path / "router.json").write_text(text, encoding="utf-8")
    assert lines(compile_files([tmp_path], {}))[0] == (
        f"{tmp_path}/router.json:1: error: spec: is required "
        "(fix: add it: The configuration that a router serves)"
    )
