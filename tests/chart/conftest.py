"""A real API server, with the namespaces that the values of `ci/` name, and without our CRD."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chart.rendering import NAMESPACE
from support.kubernetes.apiserver import ApiServer

RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("api-server")) as server:
        for name in (NAMESPACE, "web", "batch"):
            server.kubectl("create", "namespace", name)
        server.kubectl("label", "namespace", NAMESPACE, RESTRICTED)
        yield server
