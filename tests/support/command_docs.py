"""`docs/commands.md`: below its introduction, what the commands say of themselves.

`make commands` writes it anew.
"""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from airouter.cli import app
from airouter.commands import COMMANDS

GUIDE = Path(__file__).parents[2] / "docs" / "commands.md"
WIDTH = {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
BEGINNING = "\n## airouter "


def commands_page() -> str:
    """The whole page: its introduction as it stands, and a section for each command."""
    introduction = GUIDE.read_text(encoding="utf-8").partition(BEGINNING)[0]
    return introduction + "".join(map(section_of, COMMANDS))


def section_of(name: str) -> str:
    """The section of a command."""
    result = CliRunner().invoke(app, [name, "-h"], env=WIDTH, prog_name="airouter")
    return f"{BEGINNING}{name}\n\n```text\n{result.output.strip()}\n```\n"


if __name__ == "__main__":
    GUIDE.write_text(commands_page(), encoding="utf-8")
