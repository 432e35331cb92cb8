"""The command line: it finds the module of a command, and loads no other.

The commands stand in `commands/`, whose table lists them. So `--help` and `probe` answer at once,
although `serve` loads all that serves.
"""

import sys
from pkgutil import resolve_name
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from airouter import __version__
from airouter.commands import COMMANDS

UNWRAPPED = "\b\n"
"""Keeps the lines that follow as they are."""


class CommandTable(TyperGroup):
    """The commands of the table, each of them loaded when it is asked for.

    Typer's contexts and commands are of a module of its own, which has no public name: `Any`.
    """

    def __init__(self, **attributes: Any) -> None:
        """Make the group; among `commands` Typer finds what a mistyped name may mean."""
        super().__init__(**attributes)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - as it is called
        """Return the names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as it is called
        """Load a command; None for a name that is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module = resolve_name(entry.module)
        single = typer.Typer(
            add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
        )
        function = getattr(module, f"{cmd_name}_command")
        single.command(cmd_name, epilog=f"{UNWRAPPED}Examples:\n{module.EXAMPLES}")(function)
        return get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as it is called
        """Write the table, which needs none of the commands loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


app = typer.Typer(
    name="airouter",
    cls=CommandTable,
    help="An LLM router: applications speak the OpenAI API to it, a YAML file says what it serves.",
    epilog="Settings can also come from the environment: AIROUTER_ and the name in capitals.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
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


def run_command_line() -> None:
    """Run the command line; what a reader of a pipe has no use for any more is no failure."""
    try:
        app(prog_name="airouter")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
