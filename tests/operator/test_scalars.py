"""A manifest means the same to `airouter check` as to kubectl, down to a word without quotes."""

from __future__ import annotations

import json

from airouter.config.documents import documents
from support.kubernetes.apiserver import ApiServer

SCALARS = (
    "y, Y, n, N, yes, No, on, OFF, true, TRUE, tRue, null, ~, 1e3, 1E3, +12e3, 1.5e3, 1.5e-3, 12e, "
    "0o7, 0o8, 007, 08, 0x1F, 0x, 0b11, 1_000, 1_, _1, 1:30, +1, -1, 1., 1.0, .5, 2024-10-21, =, 7b"
)
OBJECT = "{apiVersion: example.com/v1, kind: Any, metadata: {name: any}}"


def test_a_scalar_is_to_the_router_what_it_is_to_kubectl(api_server: ApiServer) -> None:
    text = f"values: [{SCALARS}]"
    patch = ("patch", "--local", "--type=merge", "-o", "json", "-f", "-", "--patch", text)
    patched = json.loads(api_server.kubectl(*patch, input=OBJECT))
    (document,) = documents(text)
    assert document.root.value["values"] == patched["values"]
    assert list(map(type, document.root.value["values"])) == list(map(type, patched["values"]))
