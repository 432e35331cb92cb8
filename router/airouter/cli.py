"""The command line: `airouter serve`, `airouter check` and `airouter probe`.

This module reads arguments and prints. Each command imports the code that it needs, so that
`--help` answers at once.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from airouter import __version__

if TYPE_CHECKING:
    from airouter.config.findings import Compiled, Finding
    from airouter.settings import Settings

INVALID = 2
UNWRAPPED = "\b\n"
SERVE_EXAMPLES = f"""{UNWRAPPED}Examples:
  airouter serve
  airouter serve -f router.yaml
  airouter serve -f router.yaml -f secrets.yaml --host 0.0.0.0 --port 80
  airouter serve --snapshot-dir /etc/airouter
"""
CHECK_EXAMPLES = f"""{UNWRAPPED}Examples:
  airouter check -f router.yaml
  airouter check -f manifests/ -f secrets.yaml
"""
COLOURS = {"error": "red", "warning": "yellow"}

app = typer.Typer(
    name="airouter",
    help="An LLM router: applications speak the OpenAI API to it, a YAML file says what it serves.",
    epilog="Settings can also come from the environment: AIROUTER_ and the name in capitals.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def print_version(wanted: bool) -> None:
    """Answer `--version`."""
    if wanted:
        typer.echo(f"airouter {__version__}")
        raise typer.Exit


@app.callback()
def common(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Accept options before a command."""


@app.command("serve", epilog=SERVE_EXAMPLES)
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
    from airouter.app import serve  # noqa: PLC0415 - it loads all that serves

    raise typer.Exit(serve(settings, file or [], snapshot_dir))


@app.command("check", epilog=CHECK_EXAMPLES)
def check_command(
    file: Annotated[
        list[Path],
        typer.Option(
            "--file",
            "-f",
            metavar="PATH",
            help="Manifest to check, or a directory of manifests. May be given several times.",
        ),
    ],
) -> None:
    """List everything that is wrong with a manifest.

    Exits with 0 if all of it would be served, else with 2. Warnings change nothing.
    """
    from airouter.sources.manifests import compile_files  # noqa: PLC0415 - not for --help

    compiled = compile_files(file, os.environ)
    coloured = wants_colour()
    for finding in compiled.findings:
        typer.echo(painted(finding) if coloured else str(finding), color=coloured)
    typer.echo(summary(compiled))
    raise typer.Exit(INVALID if compiled.count("error") else 0)


@app.command("probe")
def probe_command(
    port: Annotated[
        int, typer.Option(metavar="PORT", envvar="AIROUTER_PORT", help="Port of the router.")
    ] = 8080,
    path: Annotated[str, typer.Option(metavar="PATH", help="/health or /vhealth.")] = "/vhealth",
) -> None:
    """Check the health of the router on this machine, for an exec probe.

    Exits with 0 if it answers 200, else with 1.
    """
    from airouter.probe import probe_router  # noqa: PLC0415 - not for --help

    raise typer.Exit(probe_router(port, path))


def settings_from(flags: dict[str, Any]) -> "Settings":
    """Return the settings, flags before the environment; prints mistakes and exits."""
    from pydantic import ValidationError  # noqa: PLC0415 - not for --help

    from airouter.settings import Settings  # noqa: PLC0415 - not for --help

    try:
        return Settings(**{name: flag for name, flag in flags.items() if flag is not None})
    except ValidationError as error:
        for details in error.errors(include_input=False):
            name = "_".join(map(str, details["loc"]))
            typer.echo(f"AIROUTER_{name.upper()}: {details['msg']}", err=True)
        raise typer.Exit(INVALID) from None


def wants_colour() -> bool:
    """Return True for a terminal whose owner allows colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def painted(finding: "Finding") -> str:
    """Colour a finding for a terminal."""
    severity = typer.style(finding.severity, fg=COLOURS[finding.severity], bold=True)
    place = typer.style(finding.place, bold=True)
    fix = typer.style(f"(fix: {finding.fix})", fg="green") if finding.fix else ""
    parts = [part for part in (place, severity, finding.field, finding.what) if part]
    return " ".join(part for part in (": ".join(parts), fix) if part)


def summary(compiled: "Compiled") -> str:
    """Return one line: the number of findings, and what would be served."""
    findings = f"{counted(compiled.count('error'), 'error')}, " + counted(
        compiled.count("warning"), "warning"
    )
    snapshot = compiled.snapshot
    if snapshot is None:
        return f"{findings}; nothing can be served"
    served = (
        counted(len(snapshot.models), "model"),
        counted(len(snapshot.credentials), "credential"),
        counted(len(snapshot.auth.clients), "client"),
    )
    return f"{findings}; serves {', '.join(served)}"


def counted(number: int, noun: str) -> str:
    """Return `1 model`, `2 models`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
