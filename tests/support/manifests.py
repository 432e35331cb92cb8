"""Small RouterConfigs to change one thing in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from airouter.config.compile import compile_config
from airouter.config.findings import Compiled
from airouter.config.loader import load_config
from airouter.config.manifest import ManifestFile, compile_manifest
from airouter.config.trust import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from airouter.config.compile.places import InferencePools, Services
    from airouter.config.snapshot import Snapshot
    from airouter.config.trust import Trust

SECRETS = {("keys", "api-key"): "sk-upstream", ("keys", "team"): "sk-team"}

ROUTER_YAML = """\
apiVersion: airouter.dev/v1alpha1
kind: RouterConfig
metadata: {name: default}
spec:
  credentials:
  - name: mock
    type: Mock
  models:
  - name: echo
    backends: [{credential: mock}]
  auth:
    masterKey: {secretRef: {name: keys, key: master}}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData:
  master: sk-master
"""


def credential(name: str = "main", **fields: Any) -> dict[str, Any]:
    """A credential that needs nothing."""
    given = {"type": "OpenAICompatible", "baseURL": "http://127.0.0.1:1/v1"}
    return {"name": name, **given, **fields}


def model(name: str = "gpt", *credentials: str, **fields: Any) -> dict[str, Any]:
    """A model with a backend for each credential."""
    return {
        "name": name,
        "backends": [{"credential": credential} for credential in credentials or ("main",)],
        **fields,
    }


def client(name: str = "team", key: str = "team", **fields: Any) -> dict[str, Any]:
    """A client with a key of the Secret `keys`."""
    return {"name": name, "secretRef": {"name": "keys", "key": key}, **fields}


def grant(name: str = "teams", *namespaces: str, **fields: Any) -> dict[str, Any]:
    """A grant for namespaces, by default for `team-a`."""
    return {"name": name, "namespaces": {"names": list(namespaces or ["team-a"])}, **fields}


def document(**spec: Any) -> dict[str, Any]:
    """A RouterConfig that compiles without a finding, with some fields of its spec replaced."""
    given = {"credentials": [credential()], "models": [model()], "auth": {"anonymous": "Allow"}}
    return {
        "apiVersion": "airouter.dev/v1alpha1",
        "kind": "RouterConfig",
        "metadata": {"name": "default"},
        "spec": {**given, **spec},
    }


def compiled(
    secrets: Mapping[tuple[str, str], str] | None = None,
    *,
    services: Services | None = None,
    pools: InferencePools | None = None,
    trust: Trust = ANYTHING,
    **spec: Any,
) -> Compiled:
    """What becomes of a document."""
    reading = load_config(document(**spec))
    if reading.config is None:
        return Compiled(None, reading.findings)
    values = SECRETS if secrets is None else secrets
    found = compile_config(
        reading.config, values, reading.dropped, trust=trust, services=services, pools=pools
    )
    return Compiled(found.snapshot, (*reading.findings, *found.findings))


def snapshot(secrets: Mapping[tuple[str, str], str] | None = None, **spec: Any) -> Snapshot:
    """The snapshot of a document that has one."""
    found = compiled(secrets, **spec).snapshot
    assert found is not None
    return found


def findings(secrets: Mapping[tuple[str, str], str] | None = None, **spec: Any) -> list[str]:
    """The findings of a document as text."""
    return [str(finding) for finding in compiled(secrets, **spec).findings]


def from_text(text: str, environ: Mapping[str, str] | None = None) -> Compiled:
    """What becomes of one file, `router.yaml`."""
    return compile_manifest([ManifestFile("router.yaml", text.encode())], environ or {})


def lines(found: Compiled) -> list[str]:
    """Its findings as text."""
    return [str(finding) for finding in found.findings]


def parts_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Every pydantic model that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from parts_in(field.annotation)
    for argument in get_args(annotation):
        yield from parts_in(argument)


def parts_of(*roots: type[BaseModel]) -> list[type[BaseModel]]:
    """Every pydantic model below some others, by name."""
    return sorted({part for root in roots for part in parts_in(root)}, key=lambda p: p.__name__)
