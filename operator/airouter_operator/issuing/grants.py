"""The grants of RouterConfigs, as RouterKeys ask for them, and where their clients are sent."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from airouter.config.compile.keys import admit, models_not_granted, no_grant, say_not_granted
from airouter.config.loader import load_config
from airouter_operator.key_secret import router_of_key
from airouter_operator.kube.objects import generation_of, resource_version_of, uid_of
from airouter_operator.reconciling.issued_keys import namespace_of

if TYPE_CHECKING:
    from airouter.config.findings import KeyRefusal
    from airouter.config.resource import KeyGrant, Spec
    from airouter.config.resource.routerkey import RouterKeySpec
    from airouter_operator.kube.objects import Object, ObjectKey
    from airouter_operator.watching.mirror import Mirror


class RouterGrants(NamedTuple):
    """All that RouterKeys ask of a RouterConfig, as it was read in some version."""

    version: int
    """The resourceVersion of the RouterConfig."""
    generation: tuple[str, int]
    """Its uid and generation: of all versions with one spec."""
    spec: Spec | None
    """Its grants and its models alone; None where not even these can be read."""
    public_url: str
    """Where its clients are sent to; empty where it does not say."""


class Grants:
    """The grants of all RouterConfigs. Each is read when it was changed, for all of its keys."""

    def __init__(self, mirror: Mirror, router_url: str) -> None:
        """`router_url` is where clients reach a router; {namespace} and {name} are filled in."""
        self._mirror = mirror
        self._router_url = router_url
        self._known: dict[ObjectKey, RouterGrants] = {}

    async def ask(self, key: ObjectKey, spec: RouterKeySpec) -> KeyGrant | KeyRefusal:
        """Return the grant by which a RouterKey is good, or why there is none."""
        router = router_of_key(key, spec.model_dump(by_alias=True))
        namespace = namespace_of(key, self._mirror)
        found = await self._read(router)
        if found is None or found.spec is None:
            return no_grant(str(router), namespace, None)
        return admit(spec, namespace, found.spec)

    async def vain_wishes(self, key: ObjectKey, spec: RouterKeySpec, grant: KeyGrant) -> str:
        """Return what to say of models that a good key asks for in vain; empty without any."""
        found = await self._read(router_of_key(key, spec.model_dump(by_alias=True)))
        if found is None or found.spec is None:
            return ""
        return say_not_granted(grant, models_not_granted(spec, grant, found.spec))

    async def base_url(self, router: ObjectKey) -> str:
        """Return the root by which clients reach a router."""
        found = await self._read(router)
        made = self._router_url.format(namespace=router.namespace, name=router.name)
        return ((found.public_url if found else "") or made).rstrip("/")

    async def _read(self, router: ObjectKey) -> RouterGrants | None:
        known = self._known.get(router)
        if known is not None and known.version == self._mirror.configs.version(router):
            return known
        body = self._mirror.configs.get(router)
        if body is None:
            self._known.pop(router, None)
            return None
        version, generation = resource_version_of(body), (uid_of(body), generation_of(body))
        if known is not None and known.generation == generation:  # only its status was changed
            found = known._replace(version=version)
        else:
            # In a thread: a large RouterConfig would keep polls waiting for as long as it is read.
            spec = await asyncio.to_thread(read_grants, body)
            found = RouterGrants(version, generation, spec, public_url_in(body))
        self._known[router] = found
        return found


def public_url_in(config: Object) -> str:
    """Return where a RouterConfig sends clients to; empty where it does not say."""
    http = (config.get("spec") or {}).get("http") or {}
    return str(http.get("publicURL") or "")


def read_grants(config: Object) -> Spec | None:
    """Return a RouterConfig's grants and models, whatever is wrong with the rest of it."""
    spec = config.get("spec") or {}
    grants = (spec.get("auth") or {}).get("grants") or []
    document = {
        "apiVersion": config.get("apiVersion"),
        "kind": config.get("kind"),
        "metadata": {"name": config["metadata"]["name"]},
        "spec": {"models": spec.get("models") or [], "auth": {"grants": grants}},
    }
    loaded = load_config(document).config
    return None if loaded is None else loaded.spec
