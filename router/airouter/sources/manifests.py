"""Manifests in files: read at start-up, and again whenever they change.

A change is noticed by looking, not by notification: it works alike for a write in place, an
editor's rename, a mounted Secret whose `..data` link flips, and file systems that notify nobody.
Looking costs a few microseconds, ten times a second.
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
from airouter.config.manifest import Text, compile_manifest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from airouter.config.store import Store

logger = logging.getLogger("airouter.config")

SUFFIXES = (".yaml", ".yml", ".json")
MAX_FILES = 256
MAX_BYTES = 4 * 1_048_576
POLL_EVERY = 0.1
FIRST_RETRY, LAST_RETRY = 20, 600
"""Looks until what could not be read, though it may be there, is tried again: later each time."""
PATIENCE = 5
"""After so many looks that all differ, a file that never comes to rest is read as it is."""

Look = tuple[object, ...]
"""What can be seen of files without reading them. Equal looks, equal content."""


class Failure(NamedTuple):
    """Why a file or directory could not be read."""

    path: Path
    error: OSError | Unreadable

    @property
    def may_pass(self) -> bool:
        """Whether it can be over unseen, as no file can appear unseen."""
        return isinstance(self.error, OSError) and not isinstance(self.error, FileNotFoundError)

    def finding(self) -> Finding:
        """As it is told."""
        if isinstance(self.error, Unreadable):
            return Finding("error", (), self.error.what, self.error.right, str(self.path))
        reason = (self.error.strerror or type(self.error).__name__).lower()
        return Finding("error", (), f"cannot be read: {reason}", file=str(self.path))


class Texts(NamedTuple):
    """What the files say, what could not be read, and a digest of both."""

    texts: list[Text]
    findings: list[Finding]
    digest: bytes
    final: bool
    """Whether reading again brings the same, as long as the files look the same."""

    def compile(self, environ: Mapping[str, str]) -> Compiled:
        """Takes up to a tenth of a second."""
        return compile_manifest(self.texts, environ, self.findings)


class ManifestSource:
    """Offers what some files and directories declare."""

    def __init__(
        self,
        paths: Sequence[Path],
        store: Store,
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
        self._read: Look | None = None
        self._seen: Look | None = None
        self._restless = 0
        self._retry_after = FIRST_RETRY
        self._looks_until_retry: int | None = None

    def load(self) -> Compiled:
        """Read and offer the files, at start-up."""
        texts = read_texts(self._paths)
        compiled = texts.compile(self._environ)
        self._offer(texts, compiled)
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
        seen = look_at(self._paths)
        at_rest = seen == self._seen
        self._seen = seen
        self._restless = 0 if at_rest else self._restless + 1
        if not self._is_due(seen) or not (at_rest or self._restless > PATIENCE):
            return
        self._restless = 0
        self._read, self._looks_until_retry = seen, self._retry_after
        self._retry_after = min(2 * self._retry_after, LAST_RETRY)
        texts = await asyncio.to_thread(read_texts, self._paths)
        if texts.digest != self._digest:
            compiled = await asyncio.to_thread(texts.compile, self._environ)
            self._offer(texts, compiled)
        if texts.final:
            self._looks_until_retry, self._retry_after = None, FIRST_RETRY

    def _is_due(self, seen: Look) -> bool:
        """Whether the files have changed since they were read, or it failed a while ago."""
        if self._looks_until_retry is None:
            return seen != self._read
        self._looks_until_retry -= 1
        return seen != self._read or self._looks_until_retry <= 0

    def _offer(self, texts: Texts, compiled: Compiled) -> None:
        self._store.offer(compiled, self.name)
        self._digest = texts.digest


def compile_files(paths: Sequence[Path], environ: Mapping[str, str]) -> Compiled:
    """What some files and directories declare."""
    return read_texts(paths).compile(environ)


def read_texts(paths: Sequence[Path]) -> Texts:
    """Read files, and the manifests of directories."""
    texts: list[Text] = []
    failures: list[Failure] = []
    for path in dict.fromkeys(files_in(paths, failures)):
        try:
            texts.append(Text(str(path), content(path)))
        except (OSError, Unreadable) as error:
            failures.append(Failure(path, error))
    findings = [failure.finding() for failure in failures]
    final = not any(failure.may_pass for failure in failures)
    return Texts(texts, findings, digest_of(texts, findings), final)


def files_in(paths: Sequence[Path], failures: list[Failure]) -> Iterator[Path]:
    """The files that are meant: a directory means its manifests, but not hidden ones."""
    for path in paths:
        try:
            files = manifests_in(path) if path.is_dir() else [path]
            if not files:
                raise Unreadable(f"holds no file that ends in {', '.join(SUFFIXES)}")
            if len(files) > MAX_FILES:
                raise Unreadable("holds too many files", f"at most {MAX_FILES}")
            yield from files
        except (OSError, Unreadable) as error:
            failures.append(Failure(path, error))


def manifests_in(directory: Path) -> list[Path]:
    """The manifests of a directory, by name."""
    names = sorted(
        path.name
        for path in directory.iterdir()
        if path.suffix in SUFFIXES and not path.name.startswith(".")
    )
    return [directory / name for name in names]


def content(path: Path) -> bytes:
    """What a file holds. Raises `Unreadable` or `OSError`."""
    if not stat.S_ISREG(path.stat().st_mode):  # a pipe would make us wait for a writer
        raise Unreadable("is not a regular file")
    with path.open("rb") as file:
        found = file.read(MAX_BYTES + 1)
    if len(found) > MAX_BYTES:
        raise Unreadable("is too large", f"at most {MAX_BYTES // 1_048_576} MiB")
    return found


def digest_of(texts: Sequence[Text], findings: Sequence[Finding]) -> bytes:
    """Equal for what compiles to the same."""
    digest = hashlib.sha256(repr([(text.name, len(text.content)) for text in texts]).encode())
    for text in texts:
        digest.update(text.content)
    digest.update(repr(findings).encode())
    return digest.digest()


def look_at(paths: Sequence[Path]) -> Look:
    """What can be seen of files and directories, following links."""
    return tuple(glimpse(path, inside=True) for path in paths)


def glimpse(path: Path, *, inside: bool = False) -> Look:
    """What can be seen of one file; of a directory, `inside` looks at its manifests, too."""
    try:
        if inside and path.is_dir():
            return tuple((file.name, glimpse(file)) for file in manifests_in(path))
        found = path.stat()
    except OSError as error:
        return (error.errno,)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
