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
    from airouter.config.findings import Path

REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class OpenedSecret(NamedTuple):
    """A Secret's values by key, those that cannot be used left out.

    A Secret that is broken as a whole has no name.
    """

    name: str
    namespace: str | None
    values: dict[str, str]
    problems: list[FieldProblem]

    def __repr__(self) -> str:
        return f"OpenedSecret(name={self.name!r})"


class SecretValues(NamedTuple):
    """The values of Secrets by name and key, and where those stand that cannot be used."""

    values: dict[tuple[str, str], str]
    spoiled: dict[tuple[str, str], Path]


class OpenedSecrets:
    """The Secrets of some files.

    Where a file says no namespace kubectl does, so a Secret without one may be in any.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, list[OpenedSecret]] = {}

    def add(self, secret: OpenedSecret) -> bool:
        """Take a Secret; False for one that may be another one's double."""
        same = self._by_name.setdefault(secret.name, [])
        if any(may_be_in(each, secret.namespace) for each in same):
            return False
        same.append(secret)
        return True

    def value(self, name: str, key: str, namespace: str | None) -> str | None:
        """Return a value of a Secret of one namespace; None is one that no file says."""
        for each in self._by_name.get(name, ()):
            if may_be_in(each, namespace):
                return each.values.get(key)
        return None

    def for_config(self, namespace: str | None) -> SecretValues:
        """Return the values for a RouterConfig: of Secrets of its namespace, else of any."""
        found = SecretValues({}, {})
        for name, secrets in self._by_name.items():
            near = (each for each in secrets if may_be_in(each, namespace))
            secret = next(near, secrets[0])
            found.values.update({(name, key): value for key, value in secret.values.items()})
            found.spoiled.update(
                {(name, str(each.path[-1])): each.path for each in secret.problems}
            )
        return found


def may_be_in(secret: OpenedSecret, namespace: str | None) -> bool:
    """Return whether a Secret is of a namespace, as far as files say."""
    return namespace is None or secret.namespace in {None, namespace}


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
        return OpenedSecret("", None, {}, [*document.problems, *problems_in(error, Secret)])
    if document.problems:
        return OpenedSecret("", None, {}, document.problems)
    opened = OpenedSecret(secret.metadata.name, secret.metadata.namespace, {}, [])
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
