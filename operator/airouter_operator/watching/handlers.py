"""Handlers of kopf, which pass everything on to the dispatcher.

Only `on.event` is used. The handlers that keep state would copy Secrets into annotations, and
daemons, timers and deletion handlers would put finalizers on RouterConfigs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import kopf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from airouter_operator.watching.dispatcher import Dispatcher
    from airouter_operator.watching.kinds import WatchedKind

RETRY_LOGIN = 3.0
"""Seconds until credentials that could not be read are read again."""


def kopf_registry(
    kinds: Sequence[WatchedKind],
    dispatcher: Dispatcher,
    log_in: Callable[[], Awaitable[kopf.AiohttpSession]],
    start: Callable[[], Awaitable[None]],
    stop: Callable[[], Awaitable[None]],
) -> kopf.OperatorRegistry:
    """Return the handlers of the process and of each kind that is watched."""
    registry = kopf.OperatorRegistry()

    @kopf.on.startup(registry=registry)
    async def on_startup(**_: Any) -> None:
        await start()

    @kopf.on.cleanup(registry=registry)
    async def on_cleanup(**_: Any) -> None:
        await stop()

    @kopf.on.login(registry=registry, backoff=RETRY_LOGIN)
    async def on_login(**_: Any) -> kopf.AiohttpSession:
        return await log_in()

    for kind in kinds:
        handle(kind, registry, dispatcher)
    return registry


def handle(kind: WatchedKind, registry: kopf.OperatorRegistry, dispatcher: Dispatcher) -> None:
    """Register the handlers of one kind."""
    resource = (kind.group, kind.version, kind.plural)

    @kopf.on.event(*resource, id=f"note_{kind.plural}", registry=registry)
    async def on_event(type: str | None, body: Mapping[str, Any], **_: Any) -> None:  # noqa: A002
        dispatcher.changed(kind, dict(body), type)
