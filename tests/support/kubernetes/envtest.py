"""Archives of envtest: etcd, the API server and kubectl as the Kubernetes project publishes them.

Its own tool finds them in its index, which has their checksums. Where they cannot be fetched, they
are built.

Source: https://book.kubebuilder.io/reference/envtest and the tool's `--help`.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from support.kubernetes.modules import Module, alone_in, check_go, run_go, say

PUBLISHED = frozenset({"etcd", "kube-apiserver", "kubectl"})
TOOL = Module("envtest", "sigs.k8s.io/controller-runtime/tools/setup-envtest")
FETCHING = 600.0
"""Seconds for a hundred megabytes."""


class Archives:
    """The programs in the newest archive of a minor version of Kubernetes."""

    def __init__(self, cache: Path, version: str, *, index: str | None = None) -> None:
        """`version` is as in `v1.34.4`; `index` replaces the tool's own."""
        self._minor = ".".join(version.removeprefix("v").split(".")[:2])
        self._folder = cache / f"envtest-{self._minor}"
        self._options = ["--index", index] if index else []
        self._refused = False

    def path(self, name: str) -> Path:
        """Return where a program is once it is fetched."""
        return self._folder / name

    def fetch(self, name: str) -> bool:
        """Fetch a program, with the others of its archive; False where that cannot be."""
        if name not in PUBLISHED or self._refused:
            return False
        with alone_in(self._folder):
            if not self.path(name).is_file():
                self._link_programs(self._fetch())
        return self.path(name).is_file()

    def _fetch(self) -> Path | None:
        """Return the folder of an unpacked archive."""
        check_go(TOOL)
        say(f"Fetching the API server of Kubernetes {self._minor}, once")
        store = self._folder / "store"
        wanted = ["use", f"{self._minor}.x", "--print", "path", "--bin-dir", str(store)]
        try:
            found = run_go(TOOL, "tool", "setup-envtest", *wanted, *self._options, timeout=FETCHING)
        except subprocess.TimeoutExpired:
            reason = f"it takes longer than {FETCHING:.0f} s"
        else:
            if found.returncode == 0:
                return Path(found.stdout.strip())
            reason = found.stderr.strip().rpartition("\n")[2]
        self._refused = True
        say(f"It cannot be fetched, so it is built: {reason}")
        return None

    def _link_programs(self, unpacked: Path | None) -> None:
        if unpacked is not None:
            for program in PUBLISHED:
                self.path(program).unlink(missing_ok=True)
                self.path(program).symlink_to(unpacked / program)
