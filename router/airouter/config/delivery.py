"""The messages between the operator and router processes, in files and on the stream.

A snapshot travels as gzipped JSON, in the Secret that pods mount and as the body of a poll: the
same bytes; `key_changes.py` is what a poll may bring in their place. `stream.json` beside the
snapshot says where to poll. A poll is a `Poll`, and by the version in it the operator learns what
the process runs.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any, TypeVar

import msgspec

from airouter.config.snapshot import SCHEMA_VERSION, Snapshot
from airouter.untrusted import decoded

T = TypeVar("T")

SNAPSHOT_FILE = "snapshot.json.gz"
STREAM_FILE = "stream.json"

SECRET_SUFFIX = "-snapshot"  # noqa: S105
LEDGER_SUFFIX = "-ledger"
"""The ends of the names of Secrets that a RouterConfig has beside itself."""

VERSION_HEADER = "x-snapshot-version"
"""Names the version beside a snapshot, so that an unreadable one can be refused by name."""

ELSEWHERE = "0"
"""`Retry-After` of a replica that does not lead, or not for long enough: another one answers, or it
does so soon.
"""

MAX_PACKED = 4 * 1_048_576
MAX_UNPACKED = 64 * 1_048_576
MAX_POLL = 4096
LEDGER_PATH = "/ledger"
"""Path of the ledger of limits, below the address of a stream. It takes a `LedgerMessage`."""
MAX_LEDGER_MESSAGE = 4 * 1_048_576
MAX_REASON = 256
USE_PATH = "/use"
"""Path that takes a `UseReport`, below the address of a stream."""
BANS_PATH = "/bans"
"""Path of the board of bans, below the address of a stream. It takes a `BanMessage`."""

POD_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")


class Undeliverable(Exception):
    """A delivery that cannot be used; the message says why and holds no value."""


class Stream(msgspec.Struct, frozen=True):
    """The address of a stream of snapshots, its certificate authorities, and the token to show."""

    url: str
    ca: str
    """Certificates as PEM."""
    token: str

    def __repr__(self) -> str:
        return f"Stream(url={self.url!r})"


class Poll(msgspec.Struct, frozen=True, omit_defaults=True):
    """The request of a poll: the version that a process runs, and the one that it refused."""

    pod: str
    version: str = ""
    serial: int = 0
    refused: str = ""
    """Version of a snapshot that the process cannot run."""
    reason: str = ""
    takes_changes: bool = False
    """Whether changes of keys may come in place of a whole snapshot."""
    patient: bool = True
    """Hold the poll until there is news; a first poll is answered at once, to show a connection."""

    def __post_init__(self) -> None:
        if not POD_NAME.fullmatch(self.pod):
            raise ValueError("pod is not the name of a pod")
        if max(len(self.version), len(self.refused)) > 64 or len(self.reason) > MAX_REASON:
            raise ValueError("a version or reason is too long")


class Parcel(msgspec.Struct):
    """A snapshot behind the version of its schema, which is read first."""

    schema_version: int
    snapshot: msgspec.Raw


def pack_snapshot(snapshot: Snapshot) -> bytes:
    """Encode a snapshot; equal snapshots make equal bytes."""
    # Without the time, which gzip writes into its header: equal snapshots make equal Secrets.
    return gzip.compress(parcel_of(snapshot), compresslevel=6, mtime=0)


def parcel_of(snapshot: Snapshot) -> bytes:
    """Return the JSON of the parcel that brings a snapshot."""
    return msgspec.json.encode(Parcel(SCHEMA_VERSION, msgspec.Raw(msgspec.json.encode(snapshot))))


def unpack_snapshot(packed: bytes) -> Snapshot:
    """Decode a packed snapshot. Raises `Undeliverable`."""
    parcel = decode(unzip(packed), Parcel)
    # Older schemas decode: a new field has a default. A newer one may have changed a meaning.
    if parcel.schema_version > SCHEMA_VERSION:
        found = f"schema version {parcel.schema_version}"
        raise Undeliverable(f"{found} is newer than {SCHEMA_VERSION}, which this version reads")
    return decode(parcel.snapshot, Snapshot)


def unzip(packed: bytes) -> bytes:
    """Return the content of a gzip file of a bounded size. Raises `Undeliverable`."""
    unzipper = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with gzip's header
    try:
        content = unzipper.decompress(packed, MAX_UNPACKED)
    except zlib.error:
        raise Undeliverable("is not gzip") from None
    if not unzipper.eof:
        raise Undeliverable("is cut short or too large")
    return content


def decode(content: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode a message of a type. Raises `Undeliverable`."""
    problem = f"is not the JSON of a {kind.__name__}"
    message: T = decoded(DECODERS[kind], content, Undeliverable, problem)
    return message


DECODERS: dict[type, msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Stream, Poll, Parcel, Snapshot)
}
"""Built at import, by one thread: msgspec crashes the process where two build one type at once."""
