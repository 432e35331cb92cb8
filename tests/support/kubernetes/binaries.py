"""The programs that tests need: of Kubernetes above all, and those that look at its files.

They come from the folder `KUBEBUILDER_ASSETS`, else from an archive of envtest, else they are built
from the Go modules under `tools/`. A build takes minutes and happens once: the programs of a module
stay in a cache folder whose name changes with it. Each is looked for when it is asked for: whoever
has those of envtest needs no Go until a test wants the controller manager.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path

from support.kubernetes.envtest import Archives
from support.kubernetes.modules import (
    TAIL,
    CannotBuild,
    Module,
    alone_in,
    check_go,
    run_go,
    say,
)

ETCD = Module("etcd", "go.etcd.io/etcd/server/v3")
KUBERNETES = Module("kubernetes", "k8s.io/kubernetes")
# Without the SDKs of all clouds, whose machines Prometheus finds: hundreds of packages.
PROMETHEUS = Module("prometheus", "github.com/prometheus/prometheus", tags="remove_all_sd")
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
    "prometheus": (PROMETHEUS, "github.com/prometheus/prometheus/cmd/prometheus"),
    "jaeger": (
        Module("jaeger", "github.com/jaegertracing/jaeger"),
        "github.com/jaegertracing/jaeger/cmd/all-in-one",
    ),
    "otelcol": (Module("otelcol", "go.opentelemetry.io/collector/otelcol"), "."),
    "promtool": (PROMETHEUS, "github.com/prometheus/prometheus/cmd/promtool"),
    "helm": (Module("helm", "helm.sh/helm/v4"), "helm.sh/helm/v4/cmd/helm"),
    "helm3": (Module("helm3", "helm.sh/helm/v3"), "helm.sh/helm/v3/cmd/helm"),
    "kubeconform": (
        Module("kubeconform", "github.com/yannh/kubeconform"),
        "github.com/yannh/kubeconform/cmd/kubeconform",
    ),
}

OPTIONS = ["-mod=readonly", "-trimpath", "-buildvcs=false"]
"""The last since git tells nothing of a clone that belongs to somebody else, as in a container."""


class Binaries:
    """Where the programs are; asking for one may build it."""

    def __init__(self, assets: Path | None, cache: Path) -> None:
        self._assets = assets
        self._archives = Archives(cache, KUBERNETES.version)
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
        """Those of an API server without a node, and of the chart's tests: for `make test`."""
        server = [self.etcd, self.kube_apiserver, self.kubectl, self.kube_controller_manager]
        others = ("helm", "helm3", "kubeconform", "prometheus", "promtool")
        return [*server, *map(self.path, others)]

    def path(self, name: str) -> Path:
        """Of any program in `PACKAGES`."""
        if self._assets is not None and (given := self._assets / name).is_file():
            return given
        module, package = PACKAGES[name]
        fetched, built = self._archives.path(name), self.cache / module.build / name
        for path in (fetched, built):
            if path.is_file():
                return path
        with alone_in(built.parent):
            if self._archives.fetch(name):
                return fetched
            if not built.is_file():
                _build(module, package, built)
        return built


def binaries() -> Binaries:
    """The programs for this checkout, on this machine."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Binaries(Path(assets) if assets else None, base / "auto-ai-router")


def _build(module: Module, package: str, path: Path) -> None:
    unfinished = path.with_name(f".{path.name}.unfinished")
    version = " ".join(filter(None, [path.name, module.version]))
    say(f"Building {version} from its Go module, once; this can take minutes")
    check_go(module)
    start = time.monotonic()
    flags = ["-ldflags", module.linking(), "-tags", module.tags]
    built = run_go(module, "build", *OPTIONS, *flags, "-o", str(unfinished), package)
    if built.returncode:
        raise CannotBuild(f"Building {path.name} failed:\n{built.stderr[-TAIL:]}")
    unfinished.replace(path)
    say(f"Built {path} in {time.monotonic() - start:.0f} s")
