"""What a sample is, and how it is found in the text of a document."""

from __future__ import annotations

import re
from typing import NamedTuple

FIELD = re.compile(r"^# field: (\S+)$", re.MULTILINE)
NAME = re.compile(r"^metadata: \{name: (\S+)\}$", re.MULTILINE)


class Sample(NamedTuple):
    """One RouterConfig or RouterKey as YAML."""

    name: str
    """That of the object, and its own among all samples."""
    text: str
    field: str = ""
    """The field that is wrong, such as `spec.credentials[0].name`: an error names it, or one inside
    it. Empty where nothing is wrong."""


def sample_of(text: str) -> Sample:
    """A document with the name and the field that stand in it."""
    name, field = NAME.search(text), FIELD.search(text)
    if name is None:
        raise ValueError(f"a sample has no line with `metadata: {{name: ...}}`:\n{text}")
    return Sample(name[1], text, field[1] if field else "")
