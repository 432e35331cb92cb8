"""Files as the sources look at them: cheaply while they stay as they are, and never without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

Fingerprint = tuple[int, ...]
"""What can be seen of a file without reading it: equal as long as its content is."""


def fingerprint(path: Path) -> Fingerprint:
    """Return the fingerprint of a file or directory, following links. Raises `OSError`."""
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def read_at_most(most_bytes: int, path: Path) -> bytes | None:
    """Return the content of a file, or None where that is too large. Raises `OSError`."""
    with path.open("rb") as file:
        found = file.read(most_bytes + 1)
    return found if len(found) <= most_bytes else None
