"""The command line, as tests call it."""

from __future__ import annotations

from collections.abc import Callable

from typer.testing import Result

Airouter = Callable[..., Result]
"""Runs the command line with arguments, perhaps with `stdin`, and variables of the environment."""
