"""RouterKeys beside a RouterConfig in a file, and the keys of their Secrets.

In a cluster the operator makes such a key and writes its Secret. A file that has the Secret, too,
is served as the cluster would be; without it the RouterKey is read, and serves nobody.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from airouter.config.compile import DEFAULT_NAMESPACE
from airouter.config.compile.keys import (
    IssuedKey,
    KeyNamespace,
    admit,
    models_not_granted,
    say_not_granted,
)
from airouter.config.delivery import LEDGER_SUFFIX, SECRET_SUFFIX
from airouter.config.field_errors import problems_in
from airouter.config.findings import FieldProblem, KeyRefusal
from airouter.config.resource import RouterKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airouter.config.documents import Document
    from airouter.config.findings import Compiled
    from airouter.config.resource import RouterConfig
    from airouter.config.resource.routerkey import RouterKeySpec
    from airouter.config.secret import OpenedSecrets

KEY_FIELD = "OPENAI_API_KEY"
"""The key in the Secret of a RouterKey, under the name by which SDKs look for it."""


class DeclaredKey(NamedTuple):
    """A RouterKey of a file; `spec` is None where it cannot be used."""

    namespace: str
    own_name: str
    spec: RouterKeySpec | None
    problems: Sequence[FieldProblem]
    is_unplaced: bool = False
    """True where the file says no namespace."""

    @property
    def name(self) -> str:
        """The name of its client: `namespace/name`."""
        return f"{self.namespace}/{self.own_name}"

    @property
    def in_namespace(self) -> KeyNamespace:
        """Its namespace, whose labels nobody knows here."""
        return KeyNamespace(self.namespace, None)

    @property
    def router(self) -> str:
        """The RouterConfig that it is for, `namespace/name`."""
        router = None if self.spec is None else self.spec.router
        return f"{router.namespace or self.namespace}/{router.name}" if router else ""

    def is_for(self, config: Mapping[str, Any]) -> bool:
        """Return whether a RouterConfig is its own: one without a namespace may be in any."""
        metadata = config.get("metadata")
        if not isinstance(metadata, dict):
            return False
        namespace, _, name = self.router.partition("/")
        return metadata.get("name") == name and metadata.get("namespace") in {None, namespace}


def declared_key(document: Document) -> DeclaredKey:
    """Read a RouterKey."""
    try:
        key = RouterKey.model_validate(document.root.value)
    except ValidationError as error:
        problems = [*document.problems, *problems_in(error, RouterKey)]
        return DeclaredKey("", "", None, problems)
    problems = [*document.problems, *reserved_name(key)]
    spec = None if problems else key.spec
    namespace = key.metadata.namespace or DEFAULT_NAMESPACE
    unplaced = key.metadata.namespace is None
    return DeclaredKey(namespace, key.metadata.name, spec, problems, unplaced)


def reserved_name(key: RouterKey) -> Iterator[FieldProblem]:
    """Yield a mistake where the operator would not write the key's Secret, for its name."""
    own = key.spec.secret_name
    if (own or key.metadata.name).endswith((SECRET_SUFFIX, LEDGER_SUFFIX)):
        what = f"a Secret whose name ends in {SECRET_SUFFIX} or {LEDGER_SUFFIX} is the operator's"
        path = ("spec", "secretName") if own else ("metadata", "name")
        yield FieldProblem(path, what, "give the key a secretName that ends otherwise")


def issued_keys(keys: Iterable[DeclaredKey], secrets: OpenedSecrets) -> Iterator[IssuedKey]:
    """Yield the keys whose Secret is there, in their own namespace."""
    for key in keys:
        if key.spec is None:
            continue
        namespace = None if key.is_unplaced else key.namespace
        value = secrets.value(key.spec.secret_name or key.own_name, KEY_FIELD, namespace)
        if value is not None:
            digest = hashlib.sha256(value.strip().encode()).hexdigest()
            yield IssuedKey(key.name, key.spec, key.in_namespace, digest)


def by_labels(config: RouterConfig) -> bool:
    """Return whether a grant goes by labels of namespaces, which nobody knows here."""
    return any(grant.namespaces.match_labels is not None for grant in config.spec.auth.grants)


def refusal_of(key: DeclaredKey, config: RouterConfig, compiled: Compiled) -> KeyRefusal | None:
    """Return why a key would not be served, whether or not it was made; None if it would."""
    admitted = None if key.spec is None else admit(key.spec, key.in_namespace, config.spec)
    if isinstance(admitted, KeyRefusal):
        return admitted
    return compiled.refused_keys.get(key.name)


def vain_wishes_of(key: DeclaredKey, config: RouterConfig) -> str:
    """Return what to say of models that a good key asks for in vain; empty without any."""
    if key.spec is None:
        return ""
    grant = admit(key.spec, key.in_namespace, config.spec)
    if isinstance(grant, KeyRefusal):
        return ""
    return say_not_granted(grant, models_not_granted(key.spec, grant, config.spec))
