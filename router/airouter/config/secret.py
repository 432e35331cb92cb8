"""Secrets that stand beside a RouterConfig in a file, with variables of the environment in them.

On a laptop a key belongs in the environment and not in the file: `${NAME}` is replaced by the
variable, `$${` is a literal `${`. What goes wrong is told by the variable's name.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from airouter.config.explain import problems
from airouter.config.findings import Problem, quoted
from airouter.config.resource import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.config.documents import Document

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Opened(NamedTuple):
    """A Secret's values by key, those that cannot be used left out.

    A Secret that is broken as a whole has no name.
    """

    name: str
    values: dict[str, str]
    problems: list[Problem]

    def __repr__(self) -> str:
        return f"Opened(name={self.name!r})"


class Unusable(Exception):
    """A value that cannot be used: pairs of what is wrong and how to mend it."""

    def __init__(self, *reasons: tuple[str, str]) -> None:
        super().__init__()
        self.reasons = reasons


def open_secret(document: Document, environ: Mapping[str, str]) -> Opened:
    """Read a Secret."""
    try:
        secret = Secret.model_validate(document.root.value)
    except ValidationError as error:
        return Opened("", {}, [*document.problems, *problems(error, Secret)])
    if document.problems:
        return Opened("", {}, document.problems)
    opened = Opened(secret.metadata.name, {}, [])
    for field, key, text in written(secret):
        try:
            value = filled(text, environ)
            opened.values[key] = value if field == "stringData" else decoded(value)
        except Unusable as error:
            opened.values.pop(key, None)
            opened.problems.extend(Problem((field, key), *reason) for reason in error.reasons)
    return opened


def written(secret: Secret) -> Iterator[tuple[str, str, str]]:
    """Field, key and text of each value; what comes later wins."""
    for key, text in secret.data.items():
        yield "data", key, text
    for key, text in secret.string_data.items():
        yield "stringData", key, text


def filled(text: str, environ: Mapping[str, str]) -> str:
    """A text with its variables. Raises `Unusable` with all that are missing."""
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
        raise Unusable(*reasons)
    return replaced


def decoded(text: str) -> str:
    """The text that stands there in base64. Raises `Unusable`."""
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode()
    except ValueError:
        raise Unusable(
            ("is not text in base64", "use base64, or plain text in stringData")
        ) from None
