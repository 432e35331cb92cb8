"""Compiles RouterKeys: which grant of a RouterConfig admits a key, and what the key may use.

A key that is refused concerns its owner, not the owner of the RouterConfig: it is no finding, but a
refusal that goes into the status of the RouterKey.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.config import snapshot
from airouter.config.compile.budgets import compile_budgets
from airouter.config.compile.credentials import compile_limits
from airouter.config.findings import KeyRefusal
from airouter.config.globs import matches_any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airouter.config.resource import KeyGrant, Spec
    from airouter.config.resource.namespaces import Namespaces
    from airouter.config.resource.routerkey import RouterKeySpec

    Refusals = Mapping[str, KeyRefusal]
    """By the names of RouterKeys."""

MOST_KEYS = 10_000
MOST_PACKED = 960_000
"""Bytes of a gzipped snapshot with keys: so much fits into a Secret, beside where to poll."""


class KeyNamespace(NamedTuple):
    """The namespace of a RouterKey; labels of None cannot be read."""

    name: str
    labels: Mapping[str, str] | None


class IssuedKey(NamedTuple):
    """A RouterKey whose key was made."""

    name: str
    """`namespace/name`."""
    spec: RouterKeySpec
    namespace: KeyNamespace
    key_sha256: str
    former: snapshot.FormerKey | None = None

    def __repr__(self) -> str:
        return f"IssuedKey(name={self.name!r})"


class CompiledKeys(NamedTuple):
    """The clients that RouterKeys make, and the keys that make none."""

    clients: tuple[snapshot.ClientKey, ...]
    refusals: Refusals


def compile_keys(issued: Sequence[IssuedKey], config: Spec, auth: snapshot.Auth) -> CompiledKeys:
    """Compile keys, the oldest first, beside the keys of `auth`; `with_keys` has them fit."""
    taken = {client.key_sha256 for client in auth.clients} | {auth.master_sha256}
    clients: list[snapshot.ClientKey] = []
    refusals: dict[str, KeyRefusal] = {}
    known: dict[tuple[object, ...], KeyGrant | KeyRefusal] = {}
    for key in issued:
        asked = wish_of(key)
        admitted = known.get(asked)
        if admitted is None:
            admitted = known[asked] = admit(key.spec, key.namespace, config)
        if isinstance(admitted, KeyRefusal):
            refusals[key.name] = admitted
        elif key.key_sha256 in taken:
            refusals[key.name] = duplicate_key()
        elif len(clients) >= MOST_KEYS:
            refusals[key.name] = too_many_keys()
        else:
            clients.append(compile_key(key, admitted))
            taken.add(key.key_sha256)
    return CompiledKeys(tuple(clients), refusals)


def wish_of(key: IssuedKey) -> tuple[object, ...]:
    """Return all that `admit` goes by: thousands of keys have just some of it."""
    labels = key.namespace.labels
    told = None if labels is None else frozenset(labels.items())
    return key.namespace.name, told, tuple(key.spec.models), key.spec.router.name


def with_keys(made: snapshot.Snapshot, keys: CompiledKeys) -> tuple[snapshot.Snapshot, Refusals]:
    """Return a snapshot with those keys that fit into a Secret beside it, the oldest first.

    The others are refused: they do not keep the RouterConfig from being served.
    """
    count = how_many_fit(made, keys.clients)
    late = {client.name: too_many_keys() for client in keys.clients[count:]}
    return with_clients(made, keys.clients[:count]), {**keys.refusals, **late}


def how_many_fit(made: snapshot.Snapshot, clients: tuple[snapshot.ClientKey, ...]) -> int:
    """Return how many keys, the oldest first, a Secret has room for beside a snapshot."""
    count = len(clients)
    content = msgspec.json.encode(with_clients(made, clients))
    if len(content) <= MOST_PACKED:
        return count
    rest = packed_size(msgspec.json.encode(made))
    while count and (size := packed_size(content)) > MOST_PACKED:
        each = max(1.0, (size - rest) / count)
        count = max(0, min(count - 1, int((MOST_PACKED - rest) / each)))
        content = msgspec.json.encode(with_clients(made, clients[:count]))
    return count


def packed_size(content: bytes) -> int:
    """Return the bytes of a content as it travels."""
    return len(gzip.compress(content, compresslevel=6))


def with_clients(
    made: snapshot.Snapshot, clients: tuple[snapshot.ClientKey, ...]
) -> snapshot.Snapshot:
    """Return a snapshot with clients beside those that it has."""
    auth = msgspec.structs.replace(made.auth, clients=made.auth.clients + clients)
    return msgspec.structs.replace(made, auth=auth)


def compile_key(key: IssuedKey, grant: KeyGrant) -> snapshot.ClientKey:
    """Return the client that a key makes by a grant."""
    own, each = compile_limits(key.spec.limits), compile_limits(grant.each.limits)
    return snapshot.ClientKey(
        name=key.name,
        key_sha256=key.key_sha256,
        models=tuple(key.spec.models),
        limits=own.lowered_to(each),
        grant=grant.name,
        expires_at=key.spec.expires_at,
        former=key.former,
        budgets=compile_budgets(key.spec.budget, grant.each.budget),
    )


def admit(spec: RouterKeySpec, namespace: KeyNamespace, config: Spec) -> KeyGrant | KeyRefusal:
    """Return the first grant that covers a namespace and allows a model of a key."""
    covering = [grant for grant in config.auth.grants if covers(grant.namespaces, namespace)]
    names = [model.name for model in config.models]
    for grant in covering:
        if any(
            matches_any(name, spec.models) and matches_any(name, grant.models) for name in names
        ):
            return grant
    router = f"{spec.router.namespace or namespace.name}/{spec.router.name}"
    if covering:
        return no_model_granted(router, covering[0])
    return no_grant(router, namespace, config)


def models_not_granted(spec: RouterKeySpec, grant: KeyGrant, config: Spec) -> tuple[str, ...]:
    """Return what a key asks for, and no model that its grant allows is meant by."""
    wishes = [wish for wish in spec.models if wish != "*"]
    if not wishes:  # which is the rule, and there may be 10,000 keys
        return ()
    granted = [model.name for model in config.models if matches_any(model.name, grant.models)]
    return tuple(wish for wish in wishes if not any(matches_any(name, (wish,)) for name in granted))


def say_not_granted(grant: KeyGrant, wishes: Sequence[str]) -> str:
    """Return what to say of a good key that asks for what its grant has not; empty without it."""
    if not wishes:
        return ""
    more = f" and {len(wishes) - 8} more" if len(wishes) > 8 else ""
    named = f"{', '.join(wishes[:8])}{more}"
    fix = "take it out of spec.models, or ask the owner of the router for it"
    return f"grant {grant.name} allows no model for {named} (fix: {fix})"


def covers(namespaces: Namespaces, namespace: KeyNamespace) -> bool:
    """Return whether a namespace is among those of a grant."""
    if namespaces.names is not None:
        return namespace.name in namespaces.names
    wanted, labels = namespaces.match_labels or {}, namespace.labels
    return labels is not None and all(labels.get(key) == wanted[key] for key in wanted)


def no_grant(router: str, namespace: KeyNamespace, config: Spec | None) -> KeyRefusal:
    """Return the refusal of a namespace that no grant covers.

    The same without a RouterConfig, so that nobody finds out which ones other namespaces have.
    """
    message = f"no grant of RouterConfig {router} covers namespace {namespace.name}"
    grants = config.auth.grants if config is not None and namespace.labels is None else ()
    by_label = [grant.name for grant in grants if grant.namespaces.match_labels is not None]
    if by_label:
        message += (
            f"; grant {by_label[0]} goes by labels of namespaces, which only an operator that"
            " watches the whole cluster reads"
        )
    fix = f"have it granted in spec.auth.grants, with namespaces: {{names: [{namespace.name}]}}"
    return KeyRefusal("NoGrant", f"{message} (fix: {fix})")


def no_model_granted(router: str, grant: KeyGrant) -> KeyRefusal:
    """Return the refusal of a key that asks for no model that its grant allows."""
    what = f"grant {grant.name} of RouterConfig {router} allows no model that this key asks for"
    allowed = ", ".join(grant.models[:8])
    return KeyRefusal("NoModelGranted", f"{what} (fix: ask for some of these: {allowed})")


def duplicate_key() -> KeyRefusal:
    """Return the refusal of a key that another client has already."""
    what = "its Secret holds a key that another client has"
    fix = "replace it: kubectl annotate routerkey NAME airouter.dev/rotate=now"
    return KeyRefusal("DuplicateKey", f"{what} (fix: {fix})")


def too_many_keys() -> KeyRefusal:
    """Return the refusal of a key for which a snapshot has no room."""
    what = f"the router takes {MOST_KEYS} keys at most, fewer if they do not fit into a Secret"
    return KeyRefusal("TooManyKeys", f"{what}, and the oldest come first (fix: delete some)")
