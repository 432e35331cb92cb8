"""A RouterConfig and its Secrets while they are written, and the report of how they came about."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

from airouter.commands.importing.report import ImportReport
from airouter.config.resource import API_VERSION, KIND

PROVIDER_SECRET, ROUTER_SECRET = "provider-keys", "router-keys"
NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 63


class Translated:
    """A translation under way."""

    def __init__(self) -> None:
        self.report = ImportReport()
        self.spec: dict[str, Any] = {"credentials": [], "models": []}
        self._by_account: dict[str, str] = {}
        """Names of credentials by all that tells accounts apart."""
        self._models: dict[str, dict[str, Any]] = {}
        self._secrets: dict[str, dict[str, str]] = {}

    def shared_credential(self, wanted: str, fields: Mapping[str, Any], key: str) -> str:
        """Return the name of the credential with some fields and a key, a new one if need be.

        `wanted` is the name that it has if nobody else does; `key` is empty for none.
        """
        account = f"{sorted(fields.items(), key=str)} {key}"
        if account not in self._by_account:
            self._by_account[account] = self.credential(wanted, fields, key)
        return self._by_account[account]

    def credential(self, wanted: str, fields: Mapping[str, Any], key: str) -> str:
        """Add a credential; returns its name."""
        name = self._free_name(wanted)
        credential = {"name": name, **fields}
        if key:
            credential["secretRef"] = {"name": PROVIDER_SECRET, "key": name}
            self.secret(PROVIDER_SECRET, name, key)
        self.spec["credentials"].append(credential)
        return name

    def secret(self, name: str, key: str, value: str) -> dict[str, Any]:
        """Put a value into a Secret; returns the reference to it."""
        self._secrets.setdefault(name, {})[key] = value
        return {"name": name, "key": key}

    def model(self, name: str) -> dict[str, Any]:
        """Return the model of a name, a new one without backends if need be."""
        if name not in self._models:
            self._models[name] = {"name": name, "backends": []}
            self.spec["models"].append(self._models[name])
        return self._models[name]

    def has_model(self, name: str) -> bool:
        """Return whether a model has been declared."""
        return name in self._models

    def set(self, path: str, value: Any) -> None:
        """Set a field of the spec, such as `resilience.retries.attempts`."""
        place = self.spec
        *parents, last = path.split(".")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value

    def config_yaml(self) -> str:
        """Return the RouterConfig."""
        head = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": "default"}}
        return dumped({**head, "spec": self.spec})

    def secrets_yaml(self) -> str:
        """Return the Secrets, one document each."""
        return "---\n".join(
            dumped(
                {
                    "apiVersion": "v1",
                    "kind": "Secret",
                    "metadata": {"name": name},
                    "stringData": values,
                }
            )
            for name, values in self._secrets.items()
        )

    def _free_name(self, wanted: str) -> str:
        taken = {credential["name"] for credential in self.spec["credentials"]}
        stem = NOT_IN_A_NAME.sub("-", wanted.lower()).strip("-")[: LONGEST_NAME - 5].strip("-")
        stem = stem or "account"
        name, number = stem, 2
        while name in taken:
            name, number = f"{stem}-{number}", number + 1
        return name


def dumped(document: Mapping[str, Any]) -> str:
    """Return a document as YAML, in the order in which it was made."""
    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))
