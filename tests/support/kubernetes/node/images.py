"""Images that come from no registry: they are made here, once, and kept with what they are made of.

The node's own are one program each. `debian:trixie-slim` is a stand-in from Debian's packages under
the full name that a Dockerfile's `FROM debian:trixie-slim` resolves to, where buildah finds it.
Like the real one it has no Python and no certificates: a Dockerfile must install what it needs.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from support.kubernetes.binaries import Binaries
from support.kubernetes.clients import output
from support.kubernetes.modules import alone_in, say
from support.kubernetes.node.machine import unmount

BASE = "docker.io/library/debian:trixie-slim"
BUILDING = 900.0


def program_image(programs: Binaries, name: str) -> Path:
    """An archive of the image `localhost/NAME:node`, which has nothing but that program."""
    program = programs.path(name)
    archive = program.with_name(f"{name}.image.tar")
    with alone_in(archive.parent):
        if not archive.exists():
            _make_program_image(program, archive)
    return archive


def base_image(cache: Path) -> str:
    """Make sure that buildah has the stand-in; its name."""
    with alone_in(cache):
        if not _is_there(BASE):
            _make_base()
    return BASE


def save(image: str, archive: Path) -> None:
    """Write an image that buildah has to a file that nodes and Docker can load."""
    _run("buildah", "push", image, f"docker-archive:{archive}:{image}")


def _make_program_image(program: Path, archive: Path) -> None:
    image = f"localhost/{program.name}:node"
    unfinished = archive.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder, "Dockerfile")
        recipe.write_text(f'FROM scratch\nCOPY {program.name} /\nENTRYPOINT ["/{program.name}"]\n')
        build = ["--isolation=chroot", f"--file={recipe}", f"--tag={image}", str(program.parent)]
        _run("buildah", "build", *build)
    save(image, unfinished)
    _run("buildah", "rmi", image)
    unfinished.replace(archive)


def _make_base() -> None:
    say(f"Making {BASE} from Debian's packages, once")
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            _run("debootstrap", "--variant=minbase", "trixie", folder)
        finally:
            unmount(Path(folder))  # its /proc, if it was killed
        container = _run("buildah", "from", "scratch").strip()
        try:
            _run("buildah", "add", container, folder, "/")
            _run("buildah", "config", "--cmd=bash", container)
            _run("buildah", "commit", container, BASE)
        finally:
            _run("buildah", "rm", container)
    say(f"Made it in {time.monotonic() - start:.0f} s")


def _is_there(image: str) -> bool:
    asked = ["buildah", "images", "--quiet", "--filter", f"reference={image}"]
    return bool(_run(*asked).strip())


def _run(*command: str) -> str:
    return output(*command, timeout=BUILDING)
