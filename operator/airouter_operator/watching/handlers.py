"""What kopf tells us, and nothing more than taking note of it.

Only `on.event` and `index` are used. The handlers that keep state would copy Secrets into
annotations, and daemons, timers and deletion handlers would put finalizers on RouterConfigs. kopf
runs the index of every object before the first event, so that nothing is reconciled half-known.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

import kopf

from airouter_operator.kube import GROUP, VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

RETRY_LOGIN = 3.0
"""Seconds until credentials that could not be read are read again."""

CONFIGS = (GROUP, VERSION, "routerconfigs")
SECRETS = ("", "v1", "secrets")


class Listener(Protocol):
    """Who is told. The type of a change is None for what a watch lists when it begins."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def connection(self) -> kopf.ConnectionInfo: ...
    def config_seen(self, body: Mapping[str, Any]) -> None: ...
    def config_changed(self, body: Mapping[str, Any], type_: str | None) -> None: ...
    def secret_seen(self, body: Mapping[str, Any]) -> None: ...
    def secret_changed(self, body: Mapping[str, Any], type_: str | None) -> None: ...


def registry_for(listener: Listener) -> kopf.OperatorRegistry:
    """Kopf's handlers, all of which end in the listener."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def start(**_: Any) -> None:
        await listener.start()

    @kopf.on.cleanup(registry=registry)
    async def stop(**_: Any) -> None:
        await listener.stop()

    @kopf.on.login(registry=registry, backoff=RETRY_LOGIN)
    async def log_in(**_: Any) -> kopf.ConnectionInfo:
        return await listener.connection()

    @kopf.index(*CONFIGS, registry=registry)
    async def index_config(body: Mapping[str, Any], **_: Any) -> None:
        listener.config_seen(dict(body))

    @kopf.index(*SECRETS, registry=registry)
    async def index_secret(body: Mapping[str, Any], **_: Any) -> None:
        listener.secret_seen(dict(body))

    @kopf.on.event(*CONFIGS, registry=registry)
    async def note_config(type: str | None, body: Mapping[str, Any], **_: Any) -> None:  # noqa: A002
        listener.config_changed(dict(body), type)

    @kopf.on.event(*SECRETS, registry=registry)
    async def note_secret(type: str | None, body: Mapping[str, Any], **_: Any) -> None:  # noqa: A002
        listener.secret_changed(dict(body), type)

    return registry


class NoDiffStorage(kopf.DiffBaseStorage):
    """Kopf's memory of what an object was, which nobody asks: our handlers look at what is.

    To copy the object for it takes most of the time of an event.
    """

    def build(
        self,
        *,
        body: kopf.Body,  # noqa: ARG002
        extra_fields: Iterable[kopf.FieldSpec] | None = None,  # noqa: ARG002
    ) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:  # noqa: ARG002
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        pass


class EndlessBackoffs:
    """Seconds between kopf's attempts, without end.

    kopf ends where a watch has failed too often. An API server that starts refuses with 403 for as
    long as it has not read the roles, however long it takes.
    """

    def __iter__(self) -> Iterator[float]:
        return itertools.chain((0.2, 0.5, 1.0), itertools.repeat(2.0))


def kopf_settings(fields: str) -> kopf.OperatorSettings:
    """Kopf as quiet and as patient as an operator needs it; `fields` selects Secrets."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 330
    settings.watching.inactivity_timeout = 70
    settings.watching.reconnect_backoff = 0.1
    settings.watching.chunk_size = 500
    settings.watching.field_selectors[SECRETS[1], SECRETS[2]] = fields
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.error_backoffs = EndlessBackoffs()
    settings.queueing.exit_timeout = 1.0
    settings.persistence.diffbase_storage = NoDiffStorage()
    return settings
