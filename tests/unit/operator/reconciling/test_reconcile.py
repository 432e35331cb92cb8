"""While a RouterConfig is refused, pods go on serving the keys that there are now."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from unittest.mock import AsyncMock, Mock

import msgspec
import pytest

from airouter.config.compile.keys import IssuedKey, KeyNamespace
from airouter.config.delivery import unpack_snapshot
from airouter.config.resource import API_VERSION, KIND
from airouter.config.resource.routerkey import RouterKeySpec
from airouter.config.snapshot import Auth, ClientKey, FormerKey, Snapshot
from airouter.config.trust import ANYTHING
from airouter_operator.kube.objects import Object, ObjectKey
from airouter_operator.reconciling import publish
from airouter_operator.reconciling.compilation import UNKNOWN_CLUSTER
from airouter_operator.reconciling.issued_keys import GatheredKeys
from airouter_operator.reconciling.publish import Publisher
from airouter_operator.reconciling.reconcile import Reconciler
from airouter_operator.watching.kinds import ROUTER_CONFIGS
from airouter_operator.watching.mirror import Mirror

CONFIG = ObjectKey("ai", "default")
BODY: Object = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": {
        "name": CONFIG.name,
        "namespace": CONFIG.namespace,
        "uid": "u",
        "generation": 2,
        "resourceVersion": "1",
    },
    "spec": {"models": "none"},
}
SPEC = RouterKeySpec.model_validate({"router": {"name": "default"}})


class ApiServer:
    """Takes every Secret."""

    def __init__(self) -> None:
        self.version = 0

    async def apply(self, path: str, manifest: Object) -> Object:
        self.version += 1
        manifest["metadata"]["resourceVersion"] = str(self.version)
        return manifest


def sha(number: int) -> str:
    return f"{number:064x}"


async def test_keys_that_do_not_fit_with_those_before_them_are_served_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mirror, offered = Mirror(), Mock(awaits_answers=Mock(return_value=False))
    mirror.put(ROUTER_CONFIGS, CONFIG, BODY)
    publisher = Publisher(ApiServer(), mirror, "https://operator", lambda: "ca", lambda: 1e9)  # type: ignore[arg-type]
    client = ClientKey("team/a", sha(1), grant="teams")
    before = Snapshot(auth=Auth(clients=(client,)))
    first = await publisher.publish(
        CONFIG, {**BODY, "metadata": {**BODY["metadata"], "generation": 1}}, before, None
    )
    replaced = IssuedKey("team/a", SPEC, KeyNamespace("team", None), sha(2), FormerKey(sha(1), 2e9))
    files = (first.packed, msgspec.json.encode(first.stream), msgspec.json.encode(first.record))
    monkeypatch.setattr(publish, "MAX_SIZE", sum(map(len, files)) + 16)
    status: Any = AsyncMock()
    reconciler = Reconciler(
        mirror,
        readers=(),
        issued_keys=Mock(of=Mock(return_value=GatheredKeys((replaced,), ((None, 1, 0),)))),
        identities=Mock(refresh=AsyncMock(), of=Mock(return_value=UNKNOWN_CLUSTER)),
        trust=ANYTHING,
        publisher=publisher,
        channels=offered,
        pods=Mock(),
        ownership=Mock(),
        status=status,
        rechecks=Mock(),
        served_keys=Mock(),
        leads=Mock(return_value=True),
        measured=nullcontext,
    )
    await reconciler.reconcile(CONFIG)
    assert not status.write.await_args.args[2].accepted
    (served,) = unpack_snapshot(offered.offer.call_args.args[1].packed).auth.clients
    assert served == msgspec.structs.replace(client, key_sha256=sha(2))
