"""The configuration that is served without `--file`: models that need no provider.

This manifest is like any other and goes through the same parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.config.manifest import ManifestFile, compile_manifest

if TYPE_CHECKING:
    from airouter.config.findings import Compiled

NAME = "built-in"
MASTER_KEY = "sk-airouter-demo"

MANIFEST = f"""\
apiVersion: airouter.dev/v1alpha1
kind: RouterConfig
metadata: {{name: {NAME}}}
spec:
  credentials:
  - name: echo
    type: Mock
  - name: tools
    type: Mock
    mock: {{reply: 'tool:get_weather {{"city": "Paris"}}'}}
  - name: slow
    type: Mock
    mock: {{reply: "tokens:100", tokensPerSecond: 20, latency: 200ms}}
  - name: flaky
    type: Mock
    mock: {{errorPercent: 50, errorStatus: 503}}
  models:
  - name: mock-echo
    backends: [{{credential: echo}}]
  - name: mock-tools
    backends: [{{credential: tools}}]
  - name: mock-slow
    backends: [{{credential: slow}}]
  - name: mock-flaky
    backends: [{{credential: flaky}}]
    fallbacks: [mock-echo]
  - name: mock-embedding
    backends: [{{credential: echo}}]
  auth:
    masterKey: {{secretRef: {{name: demo-keys, key: master}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: demo-keys}}
stringData:
  master: {MASTER_KEY}
"""


def compile_builtin() -> Compiled:
    """Compile mock models and a key that everybody knows: for a laptop, never for a network."""
    return compile_manifest([ManifestFile(NAME, MANIFEST.encode())], {})
