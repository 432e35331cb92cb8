"""The issuer: keeps the Secrets of RouterKeys as they should be, and touches nobody else's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.delivery import LEDGER_SUFFIX, SECRET_SUFFIX
from airouter_operator.key_secret import (
    KeySecret,
    is_owned,
    key_secret_manifest,
    read_key_secret,
    secret_of_key,
)
from airouter_operator.kube.errors import KubeError, explain_refusal, is_write_refusal
from airouter_operator.kube.objects import uid_of
from airouter_operator.kube.paths import secret_at, secrets_in
from airouter_operator.leading.authority import NAME as AUTHORITY
from airouter_operator.reconciling.conditions import Condition
from airouter_operator.watching.kinds import SECRETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter_operator.kube.api import KubeApi
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.reconciling.conditions import Reason
    from airouter_operator.watching.mirror import Mirror

logger = logging.getLogger("airouter.operator")


class Issued(NamedTuple):
    """The Secret of a RouterKey: what is in it, and the condition that tells of it."""

    content: KeySecret | None
    condition: Condition


class KeyIssuer:
    """Reads and writes the Secrets of RouterKeys."""

    def __init__(self, kube: KubeApi, mirror: Mirror) -> None:
        self._kube = kube
        self._mirror = mirror

    def found(self, key: ObjectKey, body: Object) -> Issued:
        """Return what the Secret of a RouterKey holds."""
        secret = secret_of_key(key, body["spec"])
        there = self._mirror.secrets.get(secret)
        if there is None:
            return Issued(None, not_issued("NotIssued", f"there is no Secret {secret.name}"))
        if not is_owned(there, uid_of(body)):
            return Issued(None, not_owned(secret))
        content = read_key_secret(there)
        if content is None:
            what = f"Secret {secret.name} was changed and holds no key of the operator's"
            return Issued(None, not_issued("NotIssued", what))
        return Issued(content, issued_in(secret))

    async def issue(
        self, key: ObjectKey, body: Object, due: Callable[[KeySecret | None], KeySecret]
    ) -> Issued:
        """Have the Secret hold what is `due`, given what it holds; return what it holds then.

        Raises `KubeError`, `Conflict` where somebody else has written it since it was read.
        """
        secret = secret_of_key(key, body["spec"])
        there = self._mirror.secrets.get(secret)
        if there is not None and not is_owned(there, uid_of(body)):
            return Issued(None, not_owned(secret))
        if secret.name.endswith((SECRET_SUFFIX, LEDGER_SUFFIX)) or secret.name == AUTHORITY:
            return Issued(None, reserved(secret))
        before = None if there is None else read_key_secret(there)
        content = due(before)
        version = self._mirror.secrets.version(secret)
        manifest = key_secret_manifest(secret, body, content, version)
        if there is not None and is_as_it_should_be(there, manifest):
            return Issued(content, issued_in(secret))
        try:
            written = await self._write(secret, manifest, exists=there is not None)
        except KubeError as error:
            if is_write_refusal(error):
                return Issued(before, refused_write(secret, error))
            raise
        self._mirror.put(SECRETS, secret, written)
        if before is None or before.key != content.key:
            logger.info("%s: a key was made, %s...", key, content.shown)
        return Issued(content, issued_in(secret))

    async def _write(self, secret: ObjectKey, manifest: Object, *, exists: bool) -> Object:
        # Created rather than applied: a Secret that somebody else makes meanwhile is not replaced.
        if not exists:
            return await self._kube.create(secrets_in(secret.namespace), manifest)
        return await self._kube.apply(secret_at(secret), manifest)


def is_as_it_should_be(there: Object, manifest: Object) -> bool:
    """Return whether a Secret has all that it should have."""
    have, want = there["metadata"], manifest["metadata"]
    annotations, data = have.get("annotations") or {}, there.get("data") or {}
    remembered: bool = want["annotations"].items() <= annotations.items()
    holds_all: bool = manifest["data"].items() <= data.items()
    return remembered and holds_all


def issued_in(secret: ObjectKey) -> Condition:
    """Return `Issued` of a key that is in its Secret."""
    return Condition("Issued", "True", "Issued", f"the key is in Secret {secret.name}")


def not_issued(reason: Reason, message: str) -> Condition:
    """Return `Issued` of a key that is in no Secret."""
    return Condition("Issued", "False", reason, message)


def not_owned(secret: ObjectKey) -> Condition:
    """Return `Issued` of a key whose Secret somebody else has made."""
    what = f"Secret {secret.name} is there already and is not of this RouterKey"
    fix = "keep that Secret under another name, or make a RouterKey with another secretName"
    return not_issued("SecretNotOwned", f"{what} (fix: {fix})")


def reserved(secret: ObjectKey) -> Condition:
    """Return `Issued` of a key whose Secret would have a name that the operator needs itself."""
    what = f"Secret {secret.name} would have a name that the operator needs for another one"
    fix = (
        f"make a RouterKey with a secretName that is not {AUTHORITY} and ends neither in "
        f"{SECRET_SUFFIX} nor in {LEDGER_SUFFIX}"
    )
    return not_issued("SecretNameReserved", f"{what} (fix: {fix})")


def refused_write(secret: ObjectKey, error: KubeError) -> Condition:
    """Return `Issued` of a key whose Secret the API server does not take."""
    return not_issued("WriteRefused", explain_refusal(secret.name, error))
