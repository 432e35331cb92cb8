"""A real Kubernetes API server for all tests here, and a namespace for each."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from support.control_plane import ControlPlane, control_plane
from support.kubernetes.apiserver import ApiServer
from support.kubernetes.crd import install_crd


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture
def namespace(api_server: ApiServer) -> Iterator[str]:
    """Its name; nobody waits until it is gone, as no controller empties it."""
    name = f"test-{secrets.token_hex(4)}"
    api_server.kubectl("create", "namespace", name)
    yield name
    api_server.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def kubernetes(api_server: ApiServer) -> ApiServer:
    """The API server with our CRD, and with the controller that collects what nobody owns."""
    install_crd(api_server)
    api_server.start_controller_manager()
    return api_server


@pytest.fixture
async def plane(
    kubernetes: ApiServer, namespace: str, tmp_path: Path
) -> AsyncIterator[ControlPlane]:
    """A namespace that is ready for an operator."""
    async with control_plane(kubernetes, namespace, tmp_path) as plane:
        yield plane
