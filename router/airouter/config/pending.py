"""Fields that the schema knows and this version does not act on yet.

A field that is accepted and has no effect is never silent: `compile` warns of each that is not at
its default. Work that makes one effective removes its row here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.findings import Path, Report
    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import Credential, RouterConfig

NOT_YET = ("spec.sessions.stickiness.ttl",)
"""Fields by the names of the pydantic models; a list on the way stands for each of its items."""

OF_A_NETWORK = ("base_url", "secret_ref", "timeouts", "tls", "headers")
"""Fields of a credential that configure its network."""


def note_pending(config: RouterConfig, types: ProviderTypes, report: Report) -> None:
    """Warn of every field that would change something if this version knew how."""
    for row in NOT_YET:
        for path in set_fields(config, row.split("."), ()):
            report.warning(path, "is accepted but has no effect in this version")
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


def set_fields(part: Any, names: list[str], path: Path) -> Iterator[Path]:
    """Yield the paths below a part at which a field differs from its default."""
    first, *rest = names
    if first not in part.model_fields_set:
        return
    value = getattr(part, first)
    path = (*path, alias(part, first))
    if not rest:
        # By value: a field that is set to its default asks for nothing.
        if value != type(part).model_fields[first].default:
            yield path
    elif isinstance(value, list):
        for item in value:
            yield from set_fields(item, rest, (*path, NamedItem(item.name)))
    elif value is not None:
        yield from set_fields(value, rest, path)


def alias(part: Any, name: str) -> str:
    """Return a field's name in YAML."""
    return str(type(part).model_fields[name].alias)
