"""What travels between the operator and the pods."""

import gzip
import subprocess
import sys

import msgspec
import pytest

from airouter.config import delivery
from airouter.config.delivery import (
    Poll,
    Stream,
    Undeliverable,
    decode,
    pack_snapshot,
    unpack_snapshot,
)
from airouter.config.snapshot import SCHEMA_VERSION, Compaction, Credential, Model, Snapshot


def snapshot() -> Snapshot:
    credential = Credential("c", "OpenAI", secret="sk-secret")
    return Snapshot(credentials=(credential,), models=(Model("gpt"),), serial=7).seal("salt")


def test_a_snapshot_arrives_as_it_was_sent() -> None:
    sent = msgspec.structs.replace(snapshot(), serial=7)
    assert unpack_snapshot(pack_snapshot(sent)) == sent


def test_equal_snapshots_travel_as_equal_bytes() -> None:
    assert pack_snapshot(snapshot()) == pack_snapshot(snapshot())


def test_a_version_depends_on_content_and_salt_but_not_on_the_serial() -> None:
    first = snapshot()
    assert msgspec.structs.replace(first, serial=99).seal("salt").version == first.version
    assert first.seal("other salt").version != first.version


def test_a_newer_schema_is_refused_by_its_number() -> None:
    parcel = gzip.compress(b'{"schema_version": %d, "snapshot": {"new": 1}}' % (SCHEMA_VERSION + 1))
    with pytest.raises(Undeliverable, match="schema version 2 is newer than 1"):
        unpack_snapshot(parcel)


def test_a_field_that_an_earlier_version_did_not_know_has_its_default() -> None:
    parcel = gzip.compress(b'{"schema_version": 1, "snapshot": {"models": [{"name": "gpt"}]}}')
    assert unpack_snapshot(parcel).models == (Model("gpt"),)


def test_a_field_with_its_default_changes_neither_the_bytes_nor_the_version() -> None:
    assert b"compaction" not in gzip.decompress(pack_snapshot(snapshot()))
    told = Model("gpt", compaction=Compaction("Be brief."))
    changed = msgspec.structs.replace(snapshot(), models=(told,)).seal("salt")
    assert changed.version != snapshot().version
    assert unpack_snapshot(pack_snapshot(changed)).models == (told,)


def test_a_field_that_a_later_version_added_is_not_in_the_way() -> None:
    parcel = gzip.compress(b'{"schema_version": 1, "snapshot": {"version": "v", "later": 1}}')
    assert unpack_snapshot(parcel).version == "v"


@pytest.mark.parametrize(
    ("packed", "why"),
    [
        (b"", "cut short"),
        (b"plain", "is not gzip"),
        (pack_snapshot(Snapshot())[:-9], "cut short"),
        (gzip.compress(b"[]"), "is not the JSON of a Parcel"),
        (gzip.compress(b'{"schema_version": 1, "snapshot": {"models": 3}}'), "JSON of a Snapshot"),
    ],
    ids=["empty", "no gzip", "cut", "no parcel", "no snapshot"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(packed: bytes, why: str) -> None:
    with pytest.raises(Undeliverable, match=why):
        unpack_snapshot(packed)


def test_a_small_file_cannot_unpack_to_a_huge_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "MAX_UNPACKED", 1000)
    with pytest.raises(Undeliverable, match="too large"):
        unpack_snapshot(gzip.compress(b" " * 100_000))


@pytest.mark.parametrize(
    "poll",
    [
        {"pod": ""},
        {"pod": "a/b"},
        {"pod": "p" * 254},
        {"pod": "p", "version": "v" * 65},
        {"pod": "p", "reason": "r" * 257},
    ],
)
def test_a_poll_is_bounded(poll: dict[str, str]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(msgspec.json.encode(poll), type=Poll)


def test_an_address_does_not_show_its_token() -> None:
    stream = decode(b'{"url": "https://o", "ca": "pem", "token": "t0ken"}', Stream)
    assert "t0ken" not in repr(stream)


def test_many_threads_may_read_their_first_snapshot_at_once() -> None:
    """In a process of its own, since it is one that ended here."""
    program = """
import sys, threading
from airouter.config.delivery import unpack_snapshot
sys.setswitchinterval(1e-6)
barrier = threading.Barrier(64)
def read():
    barrier.wait(60)
    unpack_snapshot(bytes.fromhex(sys.argv[1]))
threads = [threading.Thread(target=read) for _ in range(64)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    packed = pack_snapshot(Snapshot(models=(Model("m"),))).hex()
    reader = subprocess.run([sys.executable, "-c", program, packed], check=False, timeout=120)
    assert reader.returncode == 0
