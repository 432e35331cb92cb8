"""`airouter probe`: for exec probes of a pod. Those of ours are run by `__main__.py`, past this."""

from typing import Annotated

import typer

from airouter.probe import probe_router

EXAMPLES = """\
  airouter probe
  airouter probe --port 9090 --path /health
"""


def probe_command(
    port: Annotated[
        int, typer.Option(metavar="PORT", envvar="AIROUTER_PORT", help="Port of the router.")
    ] = 8080,
    path: Annotated[str, typer.Option(metavar="PATH", help="/health or /vhealth.")] = "/vhealth",
) -> None:
    """Check the health of the router on this machine.

    For an exec probe. Exits with 0 if it answers 200, else with 1.
    """
    raise typer.Exit(probe_router(port, path))
