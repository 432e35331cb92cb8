"""`airouter serve`: the router itself."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from airouter.commands.serve_settings import settings_from
from airouter.process import serve

EXAMPLES = """\
  airouter serve
  airouter serve -f router.yaml
  airouter serve -f router.yaml -f secrets.yaml --host 0.0.0.0 --port 80
  airouter serve --snapshot-dir /etc/airouter
"""


def serve_command(
    file: Annotated[
        list[Path] | None,
        typer.Option(
            "--file",
            "-f",
            metavar="PATH",
            help="Manifest to serve, or a directory of manifests. May be given several times. "
            "Without it, Mock models are served.",
        ),
    ] = None,
    snapshot_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Serve the snapshot that an operator has put into this folder (a mounted Secret), "
            "and follow its stream. Instead of --file.",
        ),
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Address to listen on. [127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Port to listen on. [8080]")
    ] = None,
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"] | None,
        typer.Option(help="The least severe message that is logged. [info]"),
    ] = None,
) -> None:
    """Serve what a manifest declares.

    A change of a file is live within a second, without a dropped request. A broken file changes
    nothing, and the log has the reason.
    """
    if snapshot_dir is not None and file:
        raise typer.BadParameter("goes without --file", param_hint="--snapshot-dir")
    settings = settings_from({"host": host, "port": port, "log_level": log_level})
    raise typer.Exit(serve(settings, file or [], snapshot_dir))
