"""A terminal: whether it wants colours, and findings in them."""

import os
import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from airouter.config.findings import Finding

COLOURS = {"error": "red", "warning": "yellow"}


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


def counted(number: int, noun: str) -> str:
    """Return `1 model`, `2 models`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
