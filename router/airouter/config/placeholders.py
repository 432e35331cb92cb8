"""Stand-ins for Secrets that nobody has at hand: `airouter check --ignore-secrets`.

Each has the form that the field with the reference asks for, and no two keys are the same, so that
all else about a configuration can be checked, such as that of a repository without keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel

from airouter.config.resource import SecretRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.providers import ProviderTypes
    from airouter.config.resource import RouterConfig

DEFAULT_KEY = "api-key"
AUTHORITY = """-----BEGIN CERTIFICATE-----
MIIBMDCB1qADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC3BsYWNlaG9s
ZGVyMCAXDTI2MDEwMTAwMDAwMFoYDzIxMjYwMTAxMDAwMDAwWjAWMRQwEgYDVQQD
DAtwbGFjZWhvbGRlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFUEK7Jj8oo8
G5FVeDHO73/xK79qNcJRBjdfpUo6u/85ujoC5F6H/trt8caGrcfedGW0kzu0VSKp
craWl5QEJVGjEzARMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIh
ALiEHAMdjQrqPGm8eiEh7/2N8SVXvzeyUMsEErC1pHLTAiEAihmQDMf8WdCCVRsG
8FiKFaBB4+jaGhI3Pt+rKTLxB+s=
-----END CERTIFICATE-----
"""
"""A certificate of nobody, whose key was thrown away."""
ISSUER_KEYS = """{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "placeholder",
 "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"""
"""The public key that RFC 8037 has as its example, appendix A.2."""


def placeholder_secrets(config: RouterConfig, types: ProviderTypes) -> dict[tuple[str, str], str]:
    """Return a value for each key of a Secret that a resource names, by name and key."""
    spec = config.spec
    found: dict[tuple[str, str], str] = {}
    for ref in secret_refs(spec.auth, spec.responses):
        found[ref.name, ref.key or DEFAULT_KEY] = f"placeholder-{ref.name}-{ref.key}"
    for rule in spec.auth.jwt:
        found[rule.jwks_secret_ref.name, rule.jwks_secret_ref.key or "jwks.json"] = ISSUER_KEYS
    for credential in spec.credentials:
        kind = types[credential.type].secret
        for ref in secret_refs(credential.secret_ref):
            key = ref.key or kind.key
            found[ref.name, key] = kind.sample or f"placeholder-{ref.name}-{key}"
        for ref in secret_refs(credential.tls):
            found[ref.name, ref.key or "ca.crt"] = AUTHORITY
    for ref in secret_refs(spec.redis):
        found[ref.name, ref.key or "url"] = "redis://localhost"
    return found


def named_secrets(config: RouterConfig) -> set[str]:
    """Return the names of all Secrets that a resource names."""
    return {ref.name for ref in secret_refs(config.spec)}


def secret_refs(*parts: object) -> Iterator[SecretRef]:
    """Yield the references to Secrets in some parts of a resource, in their order."""
    for part in parts:
        if isinstance(part, SecretRef):
            yield part
        elif isinstance(part, BaseModel):
            yield from secret_refs(*(value for _, value in part))
        elif isinstance(part, list):
            yield from secret_refs(*part)
