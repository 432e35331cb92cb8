"""Manifests in files: read at start-up, and again whenever they change.

A change is noticed by looking, not by notification: that works alike for a write in place, an
editor's rename, a mounted Secret whose `..data` link flips, and file systems that notify nobody.
Looking costs a few microseconds, ten times a second. `config/manifest.py` compiles what is read,
`config/store.py` takes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.documents import Unreadable
from airouter.config.findings import Compiled, Finding
from airouter.config.manifest import ManifestFile, compile_manifest
from airouter.sources.files import fingerprint, read_at_most

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airouter.config.store import SnapshotStore

logger = logging.getLogger("airouter.config")

SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILES = 256
MAX_BYTES = 4 * 1_048_576
POLL_EVERY = 0.1
FIRST_RETRY, LAST_RETRY = 20, 600
"""Looks until what could not be read, though it may be there, is tried again: later each time."""
PATIENCE = 5
"""After so many looks that all differ, a file that never comes to rest is read as it is."""

View = tuple[object, ...]
"""The fingerprints of several files: equal as long as what all of them hold is."""


class ReadFailure(NamedTuple):
    """A file or directory that could not be read, and why."""

    path: Path
    error: OSError | Unreadable

    @property
    def may_pass(self) -> bool:
        """Tell whether reading may succeed later, although the file looks the same."""
        # Not where there is no file: one that appears looks different.
        return isinstance(self.error, OSError) and not isinstance(self.error, FileNotFoundError)

    def finding(self) -> Finding:
        """Return the finding that reports the failure."""
        if isinstance(self.error, Unreadable):
            return Finding("error", (), self.error.what, self.error.fix, str(self.path))
        reason = (self.error.strerror or type(self.error).__name__).lower()
        return Finding("error", (), f"cannot be read: {reason}", file=str(self.path))


class ReadManifests(NamedTuple):
    """The content of the files, what could not be read, and a digest of both."""

    texts: list[ManifestFile]
    findings: list[Finding]
    digest: bytes
    final: bool
    """Whether reading again brings the same as long as the files look the same."""

    def compile(self, environ: Mapping[str, str]) -> Compiled:
        """Compile the manifests, which takes up to a tenth of a second."""
        return compile_manifest(self.texts, environ, self.findings)


class ManifestSource:
    """A source of what some files and directories declare."""

    def __init__(
        self,
        paths: Sequence[Path],
        store: SnapshotStore,
        *,
        environ: Mapping[str, str] = os.environ,
        interval: float = POLL_EVERY,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`interval` is seconds between two looks."""
        self.name = ", ".join(map(str, paths))
        self._paths = paths
        self._store = store
        self._environ = environ
        self._interval = interval
        self._sleep = sleep
        self._digest = b""
        self._read: View | None = None
        self._seen: View | None = None
        self._restless = 0
        """Looks in a row that differed from the one before."""
        self._retry_after = FIRST_RETRY
        self._looks_until_retry: int | None = None

    def load(self) -> Compiled:
        """Read and offer the files, at start-up."""
        manifests = read_manifests(self._paths)
        compiled = manifests.compile(self._environ)
        self._offer(manifests, compiled)
        return compiled

    async def watch(self) -> None:
        """Offer the files whenever they change, until cancelled."""
        while True:
            await self._sleep(self._interval)
            try:
                await self.look()
            except Exception:
                logger.exception("%s: cannot be watched", self.name)

    async def look(self) -> None:
        """Read the files if they have changed and come to rest."""
        seen = view_of(self._paths)
        at_rest = seen == self._seen
        self._seen = seen
        self._restless = 0 if at_rest else self._restless + 1
        if not self._is_due(seen) or not (at_rest or self._restless > PATIENCE):
            return
        self._restless = 0
        # Before the files are read: a change while that goes on is one to the next look.
        self._read, self._looks_until_retry = seen, self._retry_after
        self._retry_after = min(2 * self._retry_after, LAST_RETRY)
        manifests = await asyncio.to_thread(read_manifests, self._paths)
        if manifests.digest != self._digest:
            compiled = await asyncio.to_thread(manifests.compile, self._environ)
            self._offer(manifests, compiled)
        if manifests.final:
            self._looks_until_retry, self._retry_after = None, FIRST_RETRY

    def _is_due(self, seen: View) -> bool:
        """Tell whether the files have changed since they were read, or a retry is due."""
        if self._looks_until_retry is None:
            return seen != self._read
        self._looks_until_retry -= 1
        return seen != self._read or self._looks_until_retry <= 0

    def _offer(self, manifests: ReadManifests, compiled: Compiled) -> None:
        self._store.offer(compiled, self.name)
        self._digest = manifests.digest


def compile_files(paths: Sequence[Path], environ: Mapping[str, str]) -> Compiled:
    """Compile what some files and directories declare."""
    return read_manifests(paths).compile(environ)


def read_manifests(paths: Sequence[Path]) -> ReadManifests:
    """Read files, and the manifests of directories."""
    texts: list[ManifestFile] = []
    failures: list[ReadFailure] = []
    for path in dict.fromkeys(files_in(paths, failures)):
        try:
            texts.append(ManifestFile(str(path), read_manifest(path)))
        except (OSError, Unreadable) as error:
            failures.append(ReadFailure(path, error))
    findings = [failure.finding() for failure in failures]
    final = not any(failure.may_pass for failure in failures)
    return ReadManifests(texts, findings, texts_digest(texts, findings), final)


def files_in(paths: Sequence[Path], failures: list[ReadFailure]) -> Iterator[Path]:
    """Yield the files that are meant: a directory means its manifests, but not hidden ones."""
    for path in paths:
        try:
            files = manifests_in(path) if path.is_dir() else [path]
            if not files:
                raise Unreadable(f"holds no file that ends in {', '.join(SUFFIXES)}")
            if len(files) > MAX_FILES:
                raise Unreadable("holds too many files", f"use at most {MAX_FILES}")
            yield from files
        except (OSError, Unreadable) as error:
            failures.append(ReadFailure(path, error))


def manifests_in(directory: Path) -> list[Path]:
    """Return the manifests of a directory, by name."""
    names = sorted(
        path.name
        for path in directory.iterdir()
        if path.suffix in SUFFIXES and not path.name.startswith(".")
    )
    return [directory / name for name in names]


def read_manifest(path: Path) -> bytes:
    """Return the content of a file. Raises `Unreadable` or `OSError`."""
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would make us wait for a writer
        raise Unreadable("is not a regular file")
    content = read_at_most(MAX_BYTES, path)
    if content is None:
        raise Unreadable("is too large", f"use at most {MAX_BYTES // 1_048_576} MiB")
    return content


def texts_digest(texts: Sequence[ManifestFile], findings: Sequence[Finding]) -> bytes:
    """Return a digest that is equal for what compiles to the same."""
    digest = hashlib.sha256(repr([(text.name, len(text.content)) for text in texts]).encode())
    for text in texts:
        digest.update(text.content)
    digest.update(repr(findings).encode())
    return digest.digest()


def view_of(paths: Sequence[Path]) -> View:
    """Return what can be seen of files, and of directories and their manifests."""
    return tuple(view_of_path(path, inside=True) for path in paths)


def view_of_path(path: Path, *, inside: bool = False) -> View:
    """Return what can be seen of one path; `inside` looks into a directory."""
    try:
        if inside and path.is_dir():
            return tuple((file.name, view_of_path(file)) for file in manifests_in(path))
        return fingerprint(path)
    except OSError as error:
        return (error.errno,)
