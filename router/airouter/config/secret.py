"""Secrets beside a RouterConfig in a file, with variables of the environment in their values.

On a laptop a key belongs in the environment and not in the file: `${NAME}` is replaced by the
variable, `$${` is a literal `${`. A problem names the variable, never a value.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from airouter.config.field_errors import problems_in
from airouter.config.findings import FieldProblem, quoted
from airouter.config.resource import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.config.documents import Document

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class OpenedSecret(NamedTuple):
    """A Secret's values by key, those that cannot be used left out.

    A Secret that is broken as a whole has no name.
    """

    name: str
    values: dict[str, str]
    problems: list[FieldProblem]

    def __repr__(self) -> str:
        return f"OpenedSecret(name={self.name!r})"


class UnusableValue(Exception):
    """A value that cannot be used: pairs of what is wrong and how to mend it."""

    def __init__(self, *reasons: tuple[str, str]) -> None:
        super().__init__()
        self.reasons = reasons


def open_secret(document: Document, environ: Mapping[str, str]) -> OpenedSecret:
    """Return the values of a Secret, and the problems of those that cannot be used."""
    try:
        secret = Secret.model_validate(document.root.value)
    except ValidationError as error:
        return OpenedSecret("", {}, [*document.problems, *problems_in(error, Secret)])
    if document.problems:
        return OpenedSecret("", {}, document.problems)
    opened = OpenedSecret(secret.metadata.name, {}, [])
    for field, key, text in entries_of(secret):
        try:
            value = substituted(text, environ)
            opened.values[key] = value if field == "stringData" else base64_text(value)
        except UnusableValue as error:
            opened.values.pop(key, None)  # or the value of `data` would stand in for it
            opened.problems.extend(FieldProblem((field, key), *reason) for reason in error.reasons)
    return opened


def entries_of(secret: Secret) -> Iterator[tuple[str, str, str]]:
    """Yield field, key and text of each value; a later one wins."""
    for key, text in secret.data.items():
        yield "data", key, text
    for key, text in secret.string_data.items():
        yield "stringData", key, text


def substituted(text: str, environ: Mapping[str, str]) -> str:
    """Replace the variables in a text. Raises `UnusableValue` with all that are missing."""
    reasons: list[tuple[str, str]] = []

    def value(match: re.Match[str]) -> str:
        name, end = match.group(1), match.group(2)
        if name is None:
            return "${"
        if not end or not VARIABLE.fullmatch(name):
            reasons.append(
                ("has ${ without the name of a variable", "use ${NAME}, or $${ for a literal ${")
            )
        elif name not in environ:
            what = f"the environment has no variable {quoted(name)}"
            reasons.append((what, f"set {name} where this runs, or use $${{ for a literal ${{"))
        return environ.get(name, "")

    replaced = REFERENCE.sub(value, text)
    if reasons:
        raise UnusableValue(*reasons)
    return replaced


def base64_text(text: str) -> str:
    """Decode a text in base64. Raises `UnusableValue`."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        raise UnusableValue(
            ("is not text in base64", "use base64, or plain text in stringData")
        ) from None
