"""Credentials that can be called: of a type that is served, with their secret and certificates."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING

from airouter.config import snapshot
from airouter.config.compile.identity import parse_aws_secret, parse_google_secret
from airouter.config.findings import NamedItem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from airouter.config.compile.vault import Vault
    from airouter.config.findings import Path, Report
    from airouter.config.resource import Credential, Limits, SecretRef

CERTIFICATE = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----", re.ASCII
)
MOCK = "Mock"
WITH_KEY = ("OpenAI", "Anthropic", "Gemini")
"""Types that are called with a key, or not at all."""
EVERYTHING = ("chat", "completions", "embeddings", "images", "responses")

DEFAULT_APIS: dict[str, tuple[str, ...]] = {
    "OpenAI": EVERYTHING,
    "AzureOpenAI": EVERYTHING,
    "OpenAICompatible": ("chat", "embeddings"),
    "Anthropic": ("chat",),
    "Gemini": ("chat", "embeddings", "images"),
    "VertexAI": ("chat", "embeddings", "images"),
    "Bedrock": ("chat", "embeddings"),
    "Router": EVERYTHING,
    MOCK: ("chat", "completions", "embeddings"),
}
IDENTITIES: dict[str, tuple[str, Callable[[str], object], str]] = {
    "VertexAI": ("credentials.json", parse_google_secret, "use a credentials file as JSON"),
    "Bedrock": ("api-key", parse_aws_secret, "use an API key, or access keys as JSON or lines"),
}
"""Types whose secret is more than a key: its name in a Secret, what reads it, what it must be."""


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
    path: Path = ("spec", "credentials", NamedItem(declared.name))
    if declared.type == MOCK:
        return snapshot.Credential(
            name=declared.name,
            type=MOCK,
            labels=declared.labels,
            limits=compile_limits(declared.limits),
            api=apis_of(declared),
            mock=compile_mock(declared),
        )
    if declared.type == "Bedrock" and declared.aws is None:
        what = "is required for type Bedrock"
        report.error(
            (*path, "aws"), what, "add aws: {region: us-east-1}", reason="UnsupportedValue"
        )
        return None
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
        aws=compile_aws(declared),
        gcp=compile_gcp(declared),
        azure_api_version=declared.azure.api_version if declared.azure else None,
    )


def compile_aws(declared: Credential) -> snapshot.AWS | None:
    """Where and as whom Bedrock is called."""
    aws = declared.aws
    return None if aws is None else snapshot.AWS(aws.region, aws.role_arn)


def compile_gcp(declared: Credential) -> snapshot.GCP | None:
    """Where Vertex AI is called."""
    gcp = declared.gcp
    return None if gcp is None else snapshot.GCP(gcp.location, gcp.project)


def apis_of(declared: Credential) -> tuple[str, ...]:
    """What an upstream offers, by its credential or by its type."""
    return tuple(declared.api) if declared.api else DEFAULT_APIS[declared.type]


def compile_secret(declared: Credential, vault: Vault, report: Report, path: Path) -> str | None:
    """The key of a credential; None when it has none or when it cannot be used."""
    ref = declared.secret_ref
    if ref is not None and declared.type in IDENTITIES:
        return compile_identity(declared.type, ref, vault, report, (*path, "secretRef"))
    if ref is not None:
        return vault.key(ref, (*path, "secretRef"))
    if declared.type in WITH_KEY and declared.base_url is None:
        report.warning(path, "has no secretRef: the provider will refuse every request")
    return None


def compile_identity(
    type_: str, ref: SecretRef, vault: Vault, report: Report, path: Path
) -> str | None:
    """A secret that is more than a key; None when it cannot be read."""
    name, parse, fix = IDENTITIES[type_]
    text = vault.value(ref, path, name)
    if text is None:
        return None
    try:
        parse(text)
    except ValueError as error:
        what = f"key {ref.key or name!r} of Secret {ref.name!r} {error}"
        report.error(path, what, fix, reason="InvalidSecretFormat")
        return None
    return text.strip()


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
        what = f"Secret {tls.ca_secret_ref.name!r} holds no readable certificate"
        report.error(path, what, "use certificates as PEM", reason="InvalidSecretFormat")
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
