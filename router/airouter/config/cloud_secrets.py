"""Secrets that are more than a key: identities at Google and at AWS.

Pure: nothing is called. `compile/` finds by these parsers whether a secret can be read; the signers
(`providers/identity/`) give what they return to the clouds' own libraries.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

GOOGLE_TYPES = {
    "service_account": ("client_email", "private_key", "token_uri"),
    "authorized_user": ("client_id", "client_secret", "refresh_token"),
    "external_account": ("audience", "subject_token_type", "credential_source"),
    "impersonated_service_account": ("service_account_impersonation_url", "source_credentials"),
}
"""Type of a credentials file, and the fields without which it is of no use."""
AWS_NAMES = {
    "awsaccesskeyid": "access_key",
    "accesskeyid": "access_key",
    "awssecretaccesskey": "secret_key",
    "secretaccesskey": "secret_key",
    "awssessiontoken": "token",
    "sessiontoken": "token",
    "token": "token",
}
VISIBLE = re.compile(r"[\x21-\x7e]+")
LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]+)\s*[=:]\s*(\S+)\s*")


class AWSKeys(NamedTuple):
    """Static keys of AWS."""

    access_key: str
    secret_key: str
    token: str | None

    def __repr__(self) -> str:
        return "AWSKeys()"


def parse_google_secret(text: str) -> dict[str, Any]:
    """Parse a credentials file. Raises `ValueError`, which names no value."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("is not a JSON object")  # noqa: TRY004  # a wrong value, not a wrong type
    kind = found.get("type")
    needed = GOOGLE_TYPES.get(kind) if isinstance(kind, str) else None
    if needed is None:
        raise ValueError(f"has none of the types {', '.join(GOOGLE_TYPES)}")
    source = found.get("credential_source")
    if isinstance(source, dict) and "executable" in source:
        raise ValueError("would run a program, which is not done here")
    missing = [name for name in needed if not found.get(name)]
    if missing:
        raise ValueError(f"lacks the field {missing[0]}")
    return found


def google_project(text: str | None) -> str | None:
    """Return the project that a credentials file belongs to, if it says so."""
    if text is None:
        return None
    try:
        found = parse_google_secret(text)
    except ValueError:
        return None
    project = found.get("project_id") or found.get("quota_project_id")
    return project if isinstance(project, str) else None


def parse_aws_secret(text: str) -> AWSKeys | str:
    """Parse static keys, JSON or lines, or else one word: an API key for Bedrock.

    Raises `ValueError`, which names no value.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty")
    found = pairs_in(text)
    if found is None:
        if not VISIBLE.fullmatch(text):
            raise ValueError("has characters that cannot stand in a header")
        return text
    keys = {
        AWS_NAMES.get(name.lower().replace("_", ""), ""): value for name, value in found.items()
    }
    for name, said in (
        ("access_key", "aws_access_key_id"),
        ("secret_key", "aws_secret_access_key"),
    ):
        if not keys.get(name):
            raise ValueError(f"lacks {said}")
    return AWSKeys(keys["access_key"], keys["secret_key"], keys.get("token"))


def pairs_in(text: str) -> dict[str, str] | None:
    """Return names and values; None for a single word. Raises `ValueError`."""
    if text.startswith("{"):
        try:
            decoded = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("begins as JSON and is not") from None
        return {name: value for name, value in decoded.items() if isinstance(value, str)}
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("[")]
    if len(lines) == 1 and not LINE.fullmatch(lines[0]):
        if " " in lines[0]:
            raise ValueError("is neither keys nor a single word")
        return None
    matches = [LINE.fullmatch(line) for line in lines]
    if len(lines) == 1 and lines[0].split("=")[0].lower().replace("_", "") not in AWS_NAMES:
        return None  # a key in base64 that ends with =
    if not all(matches):
        raise ValueError("has a line that is not NAME=VALUE")
    return {match[1]: match[2] for match in matches if match}
