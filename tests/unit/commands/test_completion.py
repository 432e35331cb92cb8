import shutil
import subprocess

import pytest

from airouter.commands import COMMANDS
from support.commands import Airouter


def completed(script: str, *words: str) -> list[str]:
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    code = (
        f"{script}\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _airouter; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "-c", code], capture_output=True, text=True, timeout=180, check=True
    )
    return done.stdout.split()


def test_bash_completes_commands_and_options(airouter: Airouter) -> None:
    script = airouter("completion", "bash").output
    assert completed(script, "airouter", "ch") == ["check", "chat"]
    assert completed(script, "airouter", "check", "--str") == ["--strict"]
    assert "sarif" in completed(script, "airouter", "check", "-o", "sar")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_command(airouter: Airouter, shell: str) -> None:
    script = airouter("completion", shell).output
    assert all(name in script for name in COMMANDS)
    if interpreter := shutil.which(shell):
        subprocess.run([interpreter, "-n"], input=script, text=True, timeout=180, check=True)


def test_a_shell_that_is_not_known_is_refused(airouter: Airouter) -> None:
    assert airouter("completion", "tcsh").exit_code == 2
