"""Fields that are declared where they have no effect: those of a network, of a credential without.

A field that is accepted and has no effect is never silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from airouter.config.findings import Path, Report
    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import Credential, RouterConfig

OF_A_NETWORK = ("base_url", "secret_ref", "timeouts", "tls", "headers")
"""Fields of a credential that configure its network."""


def note_ineffective(config: RouterConfig, types: ProviderTypes, report: Report) -> None:
    """Warn of the fields that change nothing."""
    for credential in config.spec.credentials:
        if types[credential.type].in_process:
            note_credential(credential, report)


def note_credential(credential: Credential, report: Report) -> None:
    """Warn of the network fields of a credential that has no network."""
    path: Path = ("spec", "credentials", NamedItem(credential.name))
    vain = f"has no effect on type {credential.type}"
    if "responses-ws" in (credential.api or ()):
        report.warning((*path, "api"), f"responses-ws {vain}")
    for name in OF_A_NETWORK:
        if name in credential.model_fields_set:
            report.warning((*path, alias(credential, name)), vain)


def alias(credential: Credential, name: str) -> str:
    """Return a field's name in YAML."""
    return str(type(credential).model_fields[name].alias)
