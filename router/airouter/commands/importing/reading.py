"""Foreign YAML: read once, with the bounds of our own, and asked for values of a kind."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from airouter.config.documents import Unreadable, documents
from airouter.config.manifest import utf8_text
from airouter.sources.manifests import MAX_BYTES, read_manifest

Values = Mapping[str, Any]
ENVIRON = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")


class UnreadableImport(Exception):
    """A file that cannot be translated: what is wrong with it."""


def read_foreign(path: Path) -> Values:
    """Return the first document of a file, or of standard input. Raises `UnreadableImport`."""
    try:
        content = sys.stdin.buffer.read(MAX_BYTES) if path == Path("-") else read_manifest(path)
        found = next(iter(documents(utf8_text(content))), None)
    except Unreadable as error:
        raise UnreadableImport(f"line {error.line}: {error.what}") from None
    except OSError as error:
        raise UnreadableImport(error.strerror or type(error).__name__) from None
    if found is None or not isinstance(found.root.value, dict):
        raise UnreadableImport("is not a mapping")
    return found.root.value


def mapping_in(values: Values, name: str) -> Values:
    """Return a field that is a mapping; an empty one where it is absent or something else."""
    found = values.get(name)
    return found if isinstance(found, dict) else {}


def items_in(values: Values, name: str) -> Iterator[Values]:
    """Yield the items of a list that are mappings."""
    found = values.get(name)
    for each in found if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield each


def foreign_text(values: Values, name: str) -> str:
    """Return a field as text, `""` where it is absent."""
    found = values.get(name)
    return "" if found is None or isinstance(found, dict | list) else str(found)


def number_in(values: Values, name: str) -> float | None:
    """Return a field as a number; None where it is absent, none, or below zero for "no limit"."""
    found = values.get(name)
    try:
        number = float(found) if isinstance(found, int | float | str) else None
    except ValueError:
        return None
    return number if number is not None and number >= 0 else None


def limits_in(values: Values) -> dict[str, int]:
    """Return limits by our names; those of zero and below are none."""
    names = {"rpm": "rpm", "tpm": "tpm", "max_parallel_requests": "maxConcurrent"}
    found = {own: number_in(values, name) for name, own in names.items()}
    return {own: int(number) for own, number in found.items() if number}


def of_environ(text: str) -> str:
    """Return a text as the value of a Secret: `os.environ/NAME` as `${NAME}`, else literally."""
    match = ENVIRON.fullmatch(text)
    return f"${{{match[1]}}}" if match else text.replace("${", "$${")


def duration_text(seconds: float) -> str:
    """Return seconds as a manifest writes them."""
    if seconds >= 1 and float(seconds).is_integer():
        return f"{int(seconds)}s"
    return f"{max(1, round(seconds * 1000))}ms"
