"""Credentials that can be called: of a type that is served, with their secret and certificates."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.findings import Named, choice
from airouter.config.pending import SERVED_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Path, Report
    from airouter.config.resource import Credential, Limits

CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", re.ASCII
)
MOCK = "Mock"
EVERYTHING = ("chat", "completions", "embeddings", "images", "responses")

DEFAULT_APIS: dict[str, tuple[str, ...]] = {
    "OpenAI": EVERYTHING,
    "OpenAICompatible": ("chat", "embeddings"),
    "Router": EVERYTHING,
    MOCK: ("chat", "completions", "embeddings"),
}


def compile_credentials(
    declared: Sequence[Credential], vault: Vault, report: Report
) -> dict[str, snapshot.Credential]:
    """The credentials that can be used, by name."""
    found = (compile_credential(credential, vault, report) for credential in declared)
    return {credential.name: credential for credential in found if credential is not None}


def compile_credential(
    declared: Credential, vault: Vault, report: Report
) -> snapshot.Credential | None:
    """One credential, or None when it cannot be used."""
    path: Path = ("spec", "credentials", Named(declared.name))
    if declared.type not in SERVED_TYPES:
        what = f"type {declared.type} is not served by this version"
        report.error((*path, "type"), what, choice(SERVED_TYPES), reason="UnsupportedValue")
        return None
    if declared.type == MOCK:
        return snapshot.Credential(
            name=declared.name,
            type=MOCK,
            labels=declared.labels,
            limits=compile_limits(declared.limits),
            api=apis_of(declared),
            mock=compile_mock(declared),
        )
    secret = compile_secret(declared, vault, report, path)
    tls = compile_tls(declared, vault, report, (*path, "tls"))
    if tls is None or (secret is None and declared.secret_ref is not None):
        return None
    return snapshot.Credential(
        name=declared.name,
        type=declared.type,
        base_url=declared.base_url,
        secret=secret,
        labels=declared.labels,
        headers=tuple((header.name, header.value) for header in declared.headers),
        limits=compile_limits(declared.limits),
        timeouts=compile_timeouts(declared),
        tls=tls,
        api=apis_of(declared),
    )


def apis_of(declared: Credential) -> tuple[str, ...]:
    """What an upstream offers, by its credential or by its type."""
    return tuple(declared.api) if declared.api else DEFAULT_APIS[declared.type]


def compile_secret(declared: Credential, vault: Vault, report: Report, path: Path) -> str | None:
    """The key of a credential; None when it has none or when it cannot be used."""
    if declared.secret_ref is not None:
        return vault.key(declared.secret_ref, (*path, "secretRef"))
    if declared.type == "OpenAI" and declared.base_url is None:
        report.warning(path, "has no secretRef: the provider will refuse every request")
    return None


def compile_tls(
    declared: Credential, vault: Vault, report: Report, path: Path
) -> snapshot.TLS | None:
    """How a certificate is verified; None when the given authorities cannot be used."""
    tls = declared.tls
    if tls.ca_secret_ref is None:
        return snapshot.TLS(server_name=tls.server_name)
    path = (*path, "caSecretRef")
    pem = vault.value(tls.ca_secret_ref, path, "ca.crt")
    if pem is None:
        return None
    certificates = certificates_in(pem)
    if certificates is None:
        what = f"Secret {tls.ca_secret_ref.name!r} holds no certificate that can be read there"
        report.error(path, what, "certificates as PEM", reason="InvalidSecretFormat")
        return None
    return snapshot.TLS(ca_pem=certificates, server_name=tls.server_name)


def certificates_in(text: str) -> str | None:
    """The certificates of a bundle without its comments, or None if OpenSSL reads none of them."""
    certificates = "\n".join(CERTIFICATE.findall(text))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        return None
    return certificates


def compile_timeouts(declared: Credential) -> snapshot.Timeouts:
    """Durations in seconds."""
    timeouts = declared.timeouts
    return snapshot.Timeouts(timeouts.connect, timeouts.first_byte, timeouts.idle, timeouts.total)


def compile_mock(declared: Credential) -> snapshot.Mock:
    """What a Mock answers."""
    mock = declared.mock
    if mock is None:
        return snapshot.Mock()
    return snapshot.Mock(
        mock.reply, mock.tokens_per_second, mock.latency, mock.error_percent, mock.error_status
    )


def compile_limits(declared: Limits) -> snapshot.Limits:
    """Ceilings as they are."""
    return snapshot.Limits(declared.rpm, declared.tpm, declared.max_concurrent)
