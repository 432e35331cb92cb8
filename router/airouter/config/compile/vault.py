"""Secrets by reference. What is wrong with one is reported without a word of its value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airouter.config.findings import choice, likely

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.findings import Path, Report
    from airouter.config.resource import SecretRef

LONGEST_KEY = 8192
VISIBLE = re.compile(r"[\x21-\x7e]+")


class Vault:
    """Looks secrets up and reports those that are not there or cannot be used."""

    def __init__(self, secrets: Mapping[tuple[str, str], str], report: Report) -> None:
        self._secrets = secrets
        self._report = report

    def value(
        self, ref: SecretRef, path: Path, default_key: str, *, rejects: bool = False
    ) -> str | None:
        """The value that a reference names, or None.

        `path` is where the reference stands; with `rejects`, nothing can be served without it.
        """
        key = ref.key or default_key
        value = self._secrets.get((ref.name, key))
        if value is None:
            what, right = self._missing(ref.name, key)
            self._report.error(path, what, right, rejects=rejects)
        return value

    def key(
        self, ref: SecretRef, path: Path, default_key: str = "api-key", *, rejects: bool = False
    ) -> str | None:
        """A value that can stand in a header, without white space around it, or None."""
        value = self.value(ref, path, default_key, rejects=rejects)
        if value is None:
            return None
        value = value.strip()
        where = f"key {ref.key or default_key!r} of Secret {ref.name!r}"
        if not value:
            self._report.error(path, f"{where} is empty", "a key", rejects=rejects)
        elif not VISIBLE.fullmatch(value):
            what = f"{where} holds characters that cannot stand in a header"
            self._report.error(path, what, "visible ASCII characters, no spaces", rejects=rejects)
        elif len(value) > LONGEST_KEY:
            right = f"at most {LONGEST_KEY} characters"
            self._report.error(path, f"{where} is too long", right, rejects=rejects)
        else:
            return value
        return None

    def _missing(self, name: str, key: str) -> tuple[str, str]:
        names = sorted({known for known, _ in self._secrets})
        if name not in names:
            return f"there is no usable Secret {name!r}", likely(name, names)
        keys = sorted(known for owner, known in self._secrets if owner == name)
        return f"Secret {name!r} has no usable key {key!r}", choice(keys)
