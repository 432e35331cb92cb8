"""The folder of a mounted snapshot Secret."""

import gzip
from pathlib import Path

import msgspec
import pytest

from airouter.config.delivery import SNAPSHOT_FILE, STREAM_FILE, Stream, pack_snapshot
from airouter.config.snapshot import Model, Snapshot
from airouter.config.store import SnapshotStore
from airouter.sources.mounted import MountedSource
from support.open_files import no_more_files

STREAM = Stream("https://operator:8443/v1/snapshots/ai/default", "pem", "token")


class Mount:
    """A folder that changes as kubelet changes it: all at once, by a link."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        for name in (SNAPSHOT_FILE, STREAM_FILE):
            (folder / name).symlink_to(f"..data/{name}")

    def flip(self, **files: bytes) -> None:
        self._count += 1
        target = self.folder / f"..{self._count}"
        target.mkdir()
        for name, content in files.items():
            (target / {"snapshot": SNAPSHOT_FILE, "stream": STREAM_FILE}[name]).write_bytes(content)
        link = self.folder / "..data_tmp"
        link.symlink_to(target.name)
        link.rename(self.folder / "..data")


@pytest.fixture
def mount(tmp_path: Path) -> Mount:
    return Mount(tmp_path)


@pytest.fixture
def store() -> SnapshotStore:
    return SnapshotStore(lambda snapshot: None)


@pytest.fixture
def followed() -> list[Stream]:
    return []


@pytest.fixture
def source(mount: Mount, store: SnapshotStore, followed: list[Stream]) -> MountedSource:
    return MountedSource(mount.folder, store, followed.append)


def snapshot(name: str, serial: int) -> Snapshot:
    sealed = Snapshot(models=(Model(name),)).seal()
    return msgspec.structs.replace(sealed, serial=serial)


def served(store: SnapshotStore) -> str:
    return store.current.models[0].name if store.current else ""


def test_a_pod_starts_with_what_is_mounted(
    mount: Mount, store: SnapshotStore, source: MountedSource, followed: list[Stream]
) -> None:
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)), stream=msgspec.json.encode(STREAM))
    source.look()
    assert served(store) == "one"
    assert followed == [STREAM]


def test_a_flip_of_the_link_is_noticed(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)))
    source.look()
    mount.flip(snapshot=pack_snapshot(snapshot("two", 2)))
    source.look()
    assert served(store) == "two"


def test_an_older_snapshot_never_replaces_a_newer_one(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    mount.flip(snapshot=pack_snapshot(snapshot("new", 5)))
    source.look()
    mount.flip(snapshot=pack_snapshot(snapshot("old", 4)))
    source.look()
    assert served(store) == "new"
    assert store.reload.successful


def test_a_routerconfig_that_was_made_anew_is_served_though_the_clock_was_ahead_before(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    other = msgspec.structs.replace(STREAM, token="of-its-successor")
    for name, serial, stream in (("old", 5, STREAM), ("new", 3, other), ("older", 2, other)):
        packed = pack_snapshot(snapshot(name, serial))
        mount.flip(snapshot=packed, stream=msgspec.json.encode(stream))
        source.look()
        source.look()
    assert served(store) == "new"


def test_content_that_came_back_counts_as_new(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    for name, serial in (("one", 1), ("one", 3), ("two", 2)):
        mount.flip(snapshot=pack_snapshot(snapshot(name, serial)))
        source.look()
    assert served(store) == "one"


def test_a_broken_file_leaves_the_last_good_one_and_says_why(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)))
    source.look()
    mount.flip(snapshot=b"no gzip")
    source.look()
    assert served(store) == "one"
    assert store.reload.error == "snapshot.json.gz is not gzip"


@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"schema_version":1,"snapshot":' * 50_000])
def test_a_file_that_nests_without_end_is_refused_like_any_other(
    mount: Mount, store: SnapshotStore, source: MountedSource, deep: bytes
) -> None:
    mount.flip(snapshot=gzip.compress(deep), stream=b'{"url":' * 50_000)
    source.look()
    assert store.reload.error.endswith("is not the JSON of a Stream")
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)))
    source.look()
    assert served(store) == "one"


def test_a_file_that_is_too_large_is_not_read_whole(
    mount: Mount, store: SnapshotStore, source: MountedSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airouter.sources.mounted.MAX_PACKED", 10)
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)))
    source.look()
    assert store.reload.error == "snapshot.json.gz is too large"


def test_files_that_cannot_be_read_for_a_while_are_read_after_it(
    mount: Mount,
    store: SnapshotStore,
    source: MountedSource,
    followed: list[Stream],
    caplog: pytest.LogCaptureFixture,
) -> None:
    mount.flip(snapshot=pack_snapshot(snapshot("one", 1)), stream=msgspec.json.encode(STREAM))
    with no_more_files():
        source.look()
        source.look()
    assert caplog.messages == [
        f"{mount.folder}: {file} cannot be read: Too many open files; will try again"
        for file in (SNAPSHOT_FILE, STREAM_FILE)
    ]
    source.look()
    assert served(store) == "one"
    assert followed == [STREAM]


def test_a_broken_file_is_not_read_again_until_it_changes(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    mount.flip(snapshot=b"no gzip", stream=b"no JSON")
    source.look()
    refused = store.reload
    with no_more_files():
        source.look()
    assert store.reload is refused


def test_an_empty_folder_is_waited_for(
    mount: Mount, store: SnapshotStore, source: MountedSource, followed: list[Stream]
) -> None:
    source.look()
    assert (store.current, store.reload.error, followed) == (None, "", [])


def test_a_new_address_is_told_and_the_same_one_is_not_told_again(
    mount: Mount, source: MountedSource, followed: list[Stream]
) -> None:
    mount.flip(stream=msgspec.json.encode(STREAM))
    source.look()
    source.look()
    other = Stream("https://elsewhere", "pem", "token")
    mount.flip(stream=msgspec.json.encode(other))
    source.look()
    assert followed == [STREAM, other]


async def test_it_looks_again_and_again_until_cancelled(
    mount: Mount, store: SnapshotStore, followed: list[Stream]
) -> None:
    names = iter(["one", "two"])

    async def sleep(seconds: float) -> None:
        assert seconds == 0.5
        name = next(names)
        mount.flip(snapshot=pack_snapshot(snapshot(name, len(name) + ord(name[0]))))

    source = MountedSource(mount.folder, store, followed.append, sleep=sleep)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await source.watch()
    assert served(store) == "two"


def test_looking_survives_what_it_does_not_expect(
    mount: Mount, store: SnapshotStore, followed: list[Stream], caplog: pytest.LogCaptureFixture
) -> None:
    def follow(stream: Stream) -> None:
        if served(store) != "two":
            raise RuntimeError("unexpected")
        followed.append(stream)

    source = MountedSource(mount.folder, store, follow)
    mount.flip(stream=msgspec.json.encode(STREAM))
    source.look()
    source.look()
    assert caplog.messages == [
        f"{mount.folder}: stream.json cannot be used: RuntimeError; will try again"
    ]
    (mount.folder / "..data" / SNAPSHOT_FILE).write_bytes(pack_snapshot(snapshot("two", 2)))
    source.look()
    assert served(store) == "two"
    assert followed == [STREAM]


def test_a_file_that_is_nested_without_end_is_refused(
    mount: Mount, store: SnapshotStore, source: MountedSource
) -> None:
    mount.flip(stream=b'{"x":' + b"[" * 100_000)
    source.look()
    assert store.reload.error == "stream.json is not the JSON of a Stream"
