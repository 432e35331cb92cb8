"""Credentials, compiled by the row of their type, with their secret and certificates.

A credential that cannot be used is reported and left out (`vault.py` looks its secrets up).
"""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.config.compile.places import Places
    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Path, Report
    from airouter.config.providers import ProviderType, ProviderTypes, SecretKind
    from airouter.config.resource import Credential, Limits, SecretRef

CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", re.ASCII
)


def compile_credentials(
    declared: Sequence[Credential],
    types: ProviderTypes,
    vault: Vault,
    report: Report,
    places: Places,
) -> dict[str, snapshot.Credential]:
    """Return the usable credentials by name; one that is suspended is none of them."""
    found = (
        compile_credential(credential, types[credential.type], vault, report, places)
        for credential in declared
        if not credential.suspended
    )
    return {credential.name: credential for credential in found if credential is not None}


def compile_credential(
    declared: Credential, row: ProviderType, vault: Vault, report: Report, places: Places
) -> snapshot.Credential | None:
    """Compile a credential, whose type is `row`; None when it cannot be used."""
    path: Path = ("spec", "credentials", NamedItem(declared.name))
    if row.in_process:
        return in_process(declared, row)
    if lacks_block(declared, row, report, path):
        return None
    place = places.of(declared, path)
    if place is None:
        return None
    secret = compile_secret(declared, row, vault, report, path)
    tls = compile_tls(declared, vault, report, (*path, "tls"))
    if tls is None or (secret is None and declared.secret_ref is not None):
        return None
    return snapshot.Credential(
        name=declared.name,
        type=declared.type,
        base_url=place.base_url,
        addresses=place.addresses,
        secret=secret,
        labels=declared.labels,
        headers=tuple((header.name, header.value) for header in declared.headers),
        limits=compile_limits(declared.limits),
        timeouts=compile_timeouts(declared),
        tls=tls,
        api=apis_of(declared, row),
        aws=compile_aws(declared),
        gcp=compile_gcp(declared),
        azure_api_version=declared.azure.api_version if declared.azure else None,
    )


def in_process(declared: Credential, row: ProviderType) -> snapshot.Credential:
    """Compile a credential that needs no network: what says how to use one is left out."""
    return snapshot.Credential(
        name=declared.name,
        type=declared.type,
        labels=declared.labels,
        limits=compile_limits(declared.limits),
        api=apis_of(declared, row),
        mock=compile_mock(declared),
    )


def lacks_block(declared: Credential, row: ProviderType, report: Report, path: Path) -> bool:
    """Report a block that the type needs and that is not there."""
    block = row.block
    if block is None or not block.required or getattr(declared, block.name) is not None:
        return False
    what, fix = f"is required for type {row.name}", f"add {block.name}: {block.required}"
    report.error((*path, block.name), what, fix, reason="UnsupportedValue")
    return True


def compile_aws(declared: Credential) -> snapshot.AWS | None:
    """Compile the block `aws`."""
    aws = declared.aws
    return None if aws is None else snapshot.AWS(aws.region, aws.role_arn)


def compile_gcp(declared: Credential) -> snapshot.GCP | None:
    """Compile the block `gcp`."""
    gcp = declared.gcp
    return None if gcp is None else snapshot.GCP(gcp.location, gcp.project)


def apis_of(declared: Credential, row: ProviderType) -> tuple[str, ...]:
    """Return what an upstream offers, by its credential or else by its type."""
    return tuple(declared.api) if declared.api else row.api


def compile_secret(
    declared: Credential, row: ProviderType, vault: Vault, report: Report, path: Path
) -> str | None:
    """Return the secret of a credential; None when it has none or none that can be used."""
    ref, kind = declared.secret_ref, row.secret
    if ref is not None and kind.parse is not None:
        return compile_identity(ref, kind, vault, report, (*path, "secretRef"))
    if ref is not None:
        return vault.key(ref, (*path, "secretRef"), kind.key)
    if not kind.ambient and declared.base_url is None and not is_in_cluster(declared):
        report.warning(path, "has no secretRef: the provider will refuse every request")
    return None


def is_in_cluster(declared: Credential) -> bool:
    """Return whether its upstream runs in the cluster."""
    return declared.service is not None or declared.inference_pool is not None


def compile_identity(
    ref: SecretRef, kind: SecretKind, vault: Vault, report: Report, path: Path
) -> str | None:
    """Return a secret that is more than a key; None when it cannot be read."""
    text = vault.value(ref, path, kind.key)
    if text is None or kind.parse is None:
        return None
    try:
        kind.parse(text)
    except ValueError as error:
        what = f"key {ref.key or kind.key!r} of Secret {ref.name!r} {error}"
        report.error(path, what, f"use {kind.fix}", reason="InvalidSecretFormat")
        return None
    return text.strip()


def compile_tls(
    declared: Credential, vault: Vault, report: Report, path: Path
) -> snapshot.TLS | None:
    """Compile the verification of certificates; None when its authorities cannot be used."""
    tls = declared.tls
    if tls.ca_secret_ref is None:
        return snapshot.TLS(server_name=tls.server_name)
    path = (*path, "caSecretRef")
    pem = vault.value(tls.ca_secret_ref, path, "ca.crt")
    if pem is None:
        return None
    certificates = certificates_in(pem)
    if certificates is None:
        what = f"Secret {tls.ca_secret_ref.name!r} holds no readable certificate"
        report.error(path, what, "use certificates as PEM", reason="InvalidSecretFormat")
        return None
    return snapshot.TLS(ca_pem=certificates, server_name=tls.server_name)


def certificates_in(text: str) -> str | None:
    """Return the certificates of a bundle, its comments left out; None if OpenSSL reads none."""
    certificates = "\n".join(CERTIFICATE.findall(text))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificates)
    except (ssl.SSLError, ValueError):
        return None
    return certificates


def compile_timeouts(declared: Credential) -> snapshot.Timeouts:
    """Compile timeouts, in seconds."""
    timeouts = declared.timeouts
    return snapshot.Timeouts(
        connect=timeouts.connect,
        first_byte=timeouts.first_byte,
        idle=timeouts.idle,
        total=timeouts.total,
        first_token=timeouts.first_token or 0.0,
    )


def compile_mock(declared: Credential) -> snapshot.Mock:
    """Compile the block `mock`, or its defaults."""
    mock = declared.mock
    if mock is None:
        return snapshot.Mock()
    return snapshot.Mock(
        mock.reply, mock.tokens_per_second, mock.latency, mock.error_percent, mock.error_status
    )


def compile_limits(declared: Limits) -> snapshot.Limits:
    """Compile ceilings, as they are."""
    return snapshot.Limits(declared.rpm, declared.tpm, declared.max_concurrent)
