"""Go modules under `tools/`, which pin every version and checksum of what is built from them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
    tags: str = ""
    """Build tags, which leave out what no test needs."""

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
        digest = hashlib.sha256((self.linking() + self.tags).encode())
        for file in sorted(self.folder.iterdir()):
            digest.update(file.read_bytes())
        return "-".join(filter(None, [self.name, self.version, digest.hexdigest()[:12]]))

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        assert found, f"{self.folder / 'go.mod'} has no {pattern}"
        return found[1]


def check_go(module: Module) -> None:
    """Go itself says whether it is new enough, or can fetch a toolchain that is."""
    needed = (
        f"{module.name} needs Go {module.go} or newer on the PATH (https://go.dev/dl);"
        " for a Kubernetes API server, a folder with its programs in KUBEBUILDER_ASSETS will do."
    )
    if shutil.which("go") is None:
        raise CannotBuild(f"{needed} There is no Go on the PATH.")
    asked = run_go(module, "list", "-m")
    if asked.returncode:
        raise CannotBuild(f"{needed} The Go that is there says: {asked.stderr.strip()}")


def run_go(
    module: Module, *arguments: str, timeout: float = BUILDING
) -> subprocess.CompletedProcess[str]:
    """Run the `go` command in the folder of a module."""
    # A workspace of the person's own, above the checkout, would replace what go.mod pins.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    return subprocess.run(
        ["go", *arguments],
        cwd=module.folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other process makes something there."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(line: str) -> None:
    """Progress, for a person who waits."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
