"""The programs of Kubernetes: from the folder `KUBEBUILDER_ASSETS`, else built from Go modules.

The modules under `tools/` pin every version and checksum. A build takes minutes and happens once:
the programs of a module stay in a cache folder whose name changes with it. Each is looked for when
it is asked for: whoever has those of envtest needs no Go until a test wants the controller manager.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TOOLS = Path(__file__).with_name("tools")
BUILDING = 3600.0
TAIL = 4000


class CannotBuild(RuntimeError):
    """Why a program is missing, and what helps."""


@dataclass(frozen=True)
class Module:
    """A Go module under `tools/`, and the module that it pins, unless its source lies there."""

    name: str
    pinned: str = ""

    @property
    def folder(self) -> Path:
        return TOOLS / self.name

    @property
    def version(self) -> str:
        return self.pinned and self._find(rf"^\s*{re.escape(self.pinned)} (v\S+)")

    @property
    def go(self) -> str:
        """The oldest Go that builds it."""
        return self._find(r"^go (\S+)")

    def linking(self) -> str:
        """Without debugging tables, and Kubernetes with its version, or it calls itself v0.0.0."""
        if self.pinned != "k8s.io/kubernetes":
            return "-s -w"
        major, minor, _ = self.version.removeprefix("v").split(".", 2)
        values = {"gitVersion": self.version, "gitMajor": major, "gitMinor": minor}
        stamps = (f"-X k8s.io/component-base/version.{key}={values[key]}" for key in values)
        return " ".join(["-s -w", *stamps])

    @property
    def build(self) -> str:
        """Changes with whatever decides what is built."""
        digest = hashlib.sha256(self.linking().encode())
        for file in sorted(self.folder.iterdir()):
            digest.update(file.read_bytes())
        return "-".join(filter(None, [self.name, self.version, digest.hexdigest()[:12]]))

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        assert found, f"{self.folder / 'go.mod'} has no {pattern}"
        return found[1]


ETCD = Module("etcd", "go.etcd.io/etcd/server/v3")
KUBERNETES = Module("kubernetes", "k8s.io/kubernetes")
PACKAGES = {
    "etcd": (ETCD, "go.etcd.io/etcd/server/v3"),
    "kube-apiserver": (KUBERNETES, "k8s.io/kubernetes/cmd/kube-apiserver"),
    "kubectl": (KUBERNETES, "k8s.io/kubernetes/cmd/kubectl"),
    "kube-controller-manager": (KUBERNETES, "k8s.io/kubernetes/cmd/kube-controller-manager"),
    "kube-scheduler": (KUBERNETES, "k8s.io/kubernetes/cmd/kube-scheduler"),
    "kubelet": (KUBERNETES, "k8s.io/kubernetes/cmd/kubelet"),
    "kube-proxy": (KUBERNETES, "k8s.io/kubernetes/cmd/kube-proxy"),
    "coredns": (Module("coredns", "github.com/coredns/coredns"), "github.com/coredns/coredns"),
    "pause": (Module("pause"), "."),
    "helm": (Module("helm", "helm.sh/helm/v4"), "helm.sh/helm/v4/cmd/helm"),
    "helm3": (Module("helm3", "helm.sh/helm/v3"), "helm.sh/helm/v3/cmd/helm"),
}


class Binaries:
    """Where the programs are; asking for one may build it."""

    def __init__(self, assets: Path | None, cache: Path) -> None:
        self._assets = assets
        self.cache = cache

    @cached_property
    def etcd(self) -> Path:
        return self.path("etcd")

    @cached_property
    def kube_apiserver(self) -> Path:
        return self.path("kube-apiserver")

    @cached_property
    def kubectl(self) -> Path:
        return self.path("kubectl")

    @cached_property
    def kube_controller_manager(self) -> Path:
        return self.path("kube-controller-manager")

    def all(self) -> list[Path]:
        """Those of an API server without a node, and both Helms: what `make test` needs."""
        server = [self.etcd, self.kube_apiserver, self.kubectl, self.kube_controller_manager]
        return [*server, self.path("helm"), self.path("helm3")]

    def path(self, name: str) -> Path:
        """Of any program in `PACKAGES`."""
        if self._assets is not None and (given := self._assets / name).is_file():
            return given
        module, package = PACKAGES[name]
        path = self.cache / module.build / name
        if not path.is_file():
            with alone_in(path.parent):
                if not path.is_file():
                    _build(module, package, path)
        return path


def binaries() -> Binaries:
    """The programs for this checkout, on this machine."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Binaries(Path(assets) if assets else None, base / "auto-ai-router")


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process makes something there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(module: Module, package: str, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    version = " ".join(filter(None, [path.name, module.version]))
    say(f"Building {version} from its Go module, once; this can take minutes")
    _check_go(module)
    start = time.monotonic()
    options = ["-mod=readonly", "-trimpath", "-ldflags", module.linking(), "-o", str(unfinished)]
    built = _go(module, "build", *options, package)
    if built.returncode:
        raise CannotBuild(f"Building {path.name} failed:\n{built.stderr[-TAIL:]}")
    unfinished.replace(path)
    say(f"Built {path} in {time.monotonic() - start:.0f} s")


def _check_go(module: Module) -> None:
    """Go itself says whether it is new enough, or can fetch a toolchain that is."""
    needed = (
        f"Tests against a real Kubernetes API server need Go {module.go} or newer on the PATH"
        " (https://go.dev/dl), or a folder with its programs in KUBEBUILDER_ASSETS."
    )
    if shutil.which("go") is None:
        raise CannotBuild(f"{needed} There is no Go on the PATH.")
    asked = _go(module, "list", "-m")
    if asked.returncode:
        raise CannotBuild(f"{needed} The Go that is there says: {asked.stderr.strip()}")


def _go(module: Module, *arguments: str) -> subprocess.CompletedProcess[str]:
    # A workspace of the person's own, above the checkout, would replace what go.mod pins.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    return subprocess.run(
        ["go", *arguments],
        cwd=module.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUILDING,
        check=False,
    )


def say(line: str) -> None:
    """Progress, for a person who waits."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
