from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from airouter.cli import app
from support.commands import Airouter


@pytest.fixture
def airouter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Airouter:
    """The command line, run in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, stdin: str | None = None, **environ: str) -> Result:
        given = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, given, input=stdin, env=environ, prog_name="airouter")

    return run
