"""Looks up the values that Secret references name; findings never repeat a value."""

from __future__ import annotations

import json
import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from airouter.config.findings import choice, likely
from airouter.config.trust import ALLOWING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.findings import Path, Reason, Report
    from airouter.config.resource import SecretRef

LONGEST_KEY = 8192
MOST_LOOKED_FOR = 16
"""Missing Secrets for which one of a similar name is looked for."""
VISIBLE = re.compile(r"[\x21-\x7e]+")


class Vault:
    """Looks secrets up and reports those that are not there or cannot be used."""

    def __init__(
        self,
        secrets: Mapping[tuple[str, str], str],
        report: Report,
        *,
        needs_label: bool = False,
        spoiled: Mapping[tuple[str, str], Path] = MappingProxyType({}),
    ) -> None:
        """Look up in `secrets`, which has, with `needs_label`, those alone that have the label.

        `spoiled` has the place of the finding about each value that is there and cannot be used.
        """
        self._secrets = secrets
        self._report = report
        self._keys: dict[str, list[str]] = {}
        """The keys of each Secret."""
        for name, key in sorted(secrets):
            self._keys.setdefault(name, []).append(key)
        self._looked_for = 0
        self._needs_label = needs_label
        self._spoiled = spoiled

    def value(
        self, ref: SecretRef, path: Path, default_key: str, *, rejects: bool = False
    ) -> str | None:
        """Return the value that a reference names, or None.

        `path` is where the reference stands; with `rejects`, nothing can be served without it.
        """
        key = ref.key or default_key
        value = self._secrets.get((ref.name, key))
        if value is None:
            what, fix, reason = self._missing(ref.name, key)
            cause = self._spoiled.get((ref.name, key), ())
            self._report.error(path, what, fix, rejects=rejects, reason=reason, cause=cause)
        return value

    def key(
        self, ref: SecretRef, path: Path, default_key: str = "api-key", *, rejects: bool = False
    ) -> str | None:
        """Return a value that can be sent in a header, stripped of white space, or None."""
        value = self.value(ref, path, default_key, rejects=rejects)
        if value is None:
            return None
        value = value.strip()  # files and `kubectl create secret` often end in a line break
        where = f"key {ref.key or default_key!r} of Secret {ref.name!r}"
        if not value:
            what, fix = f"{where} is empty", "use a key"
        elif not VISIBLE.fullmatch(value):
            what = f"{where} holds characters that cannot be sent in a header"
            fix = "use visible ASCII characters, no spaces"
        elif len(value) > LONGEST_KEY:
            what, fix = f"{where} is too long", f"use at most {LONGEST_KEY} characters"
        else:
            return value
        self._report.error(path, what, fix, rejects=rejects, reason="InvalidSecretFormat")
        return None

    def _missing(self, name: str, key: str) -> tuple[str, str, Reason]:
        if (name, key) in self._spoiled:
            what = f"key {key!r} of Secret {name!r} cannot be used"
            return what, "mend what is said of it there", "SecretKeyMissing"
        if name not in self._keys and self._needs_label:
            # The same for one that is not there, so that nobody finds out which Secrets there are.
            label = ": ".join((ALLOWING[0], json.dumps(ALLOWING[1])))
            what = f"there is no Secret {name!r} that RouterConfigs may name"
            return what, f"create it, or give it the label {label}", "RefNotPermitted"
        if name not in self._keys:
            return f"there is no usable Secret {name!r}", self._likely(name), "SecretNotFound"
        what = f"Secret {name!r} has no usable key {key!r}"
        return what, choice(self._keys[name]), "SecretKeyMissing"

    def _likely(self, name: str) -> str:
        """Offer a Secret of a similar name, for the first few that are missing.

        Each is compared with all, which would take seconds where a thousand are missing.
        """
        self._looked_for += 1
        return likely(name, self._keys) if self._looked_for <= MOST_LOOKED_FOR else ""
