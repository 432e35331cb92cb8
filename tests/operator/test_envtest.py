"""The API server of tests, as the Kubernetes project publishes it, from an index on loopback."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.kubernetes.envtest import PUBLISHED, Archives

PLATFORMS = [
    f"{os}-{arch}" for os, arch in itertools.product(("linux", "darwin"), ("amd64", "arm64"))
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and where it is served."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def archive() -> bytes:
    """Programs that say their name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in sorted(PUBLISHED):
            entry = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            entry.size, entry.mode = len(name), 0o755
            tar.addfile(entry, io.BytesIO(name.encode()))
    return packed.getvalue()


def publish(folder: Path, url: str, digest: str | None = None) -> str:
    """Serve an archive for every machine; returns the address of the index."""
    data = archive()
    (folder / "archive.tar.gz").write_bytes(data)
    link = {
        "hash": digest or hashlib.sha512(data).hexdigest(),
        "selfLink": f"{url}/archive.tar.gz",
    }
    files = {f"envtest-v1.34.1-{platform}.tar.gz": link for platform in PLATFORMS}
    (folder / "index.yaml").write_text(json.dumps({"releases": {"v1.34.1": files}}))
    return f"{url}/index.yaml"


def test_what_is_published_is_fetched_once(site: tuple[Path, str], tmp_path: Path) -> None:
    index = publish(*site)
    for _ in range(2):
        archives = Archives(tmp_path / "cache", "v1.34.4", index=index)
        assert archives.fetch("kube-apiserver")
        assert {name: archives.path(name).read_text() for name in PUBLISHED} == {
            name: name for name in PUBLISHED
        }
        (site[0] / "index.yaml").unlink(missing_ok=True)


@pytest.mark.parametrize("there", [True, False])
def test_what_cannot_be_fetched_whole_is_left_to_be_built(
    site: tuple[Path, str], tmp_path: Path, capfd: pytest.CaptureFixture[str], *, there: bool
) -> None:
    index = publish(*site, digest="0" * 128) if there else f"{site[1]}/index.yaml"
    archives = Archives(tmp_path / "cache", "v1.34.4", index=index)
    assert not archives.fetch("etcd")
    assert not archives.fetch("kube-apiserver")
    assert capfd.readouterr().err.count("It cannot be fetched, so it is built: ") == 1


def test_what_nobody_publishes_is_not_looked_for(tmp_path: Path) -> None:
    assert not Archives(tmp_path, "v1.34.4").fetch("helm")
