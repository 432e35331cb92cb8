"""The gate tries few tests that failed once more, alone, and says which: `scripts/again.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "again.py"
UNSTEADY = """
import os
from pathlib import Path

import pytest

RAN = Path(__file__).with_name("ran")

def has_run(name):
    before = RAN.read_text().split() if RAN.exists() else []
    with RAN.open("a") as file:
        file.write(f"{{__name__}}-{{name}} ")
    return f"{{__name__}}-{{name}}" in before

@pytest.mark.parametrize("number", range({tests}))
def test_it_passes_the_second_time(number):
    if not has_run(f"{{number}}"):
        {fail}

def test_it_passes():
    has_run("steady")
"""
FAIL = "pytest.fail()"
STEADY = "def test_it_passes():\n    pass\n"
NEVER = "def test_it_never_passes():\n    assert False\n"


@dataclass(frozen=True)
class Outcome:
    code: int
    said: list[str]
    """What the script said, in between what pytest did."""
    unsteady: list[str]
    """The lines of its list."""
    ran: list[str]
    """The tests of `UNSTEADY` in the order in which they ran."""


def again(folder: Path, *options: str, **files: str) -> Outcome:
    """Run the script over a project of these files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    unsteady = folder / "unsteady.txt"
    ended = subprocess.run(
        [sys.executable, SCRIPT, unsteady, sys.executable, "-m", "pytest", *options],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"},
        stdout=subprocess.PIPE,
        text=True,
    )
    return Outcome(
        ended.returncode,
        [line for line in ended.stdout.splitlines() if line.startswith(("== once", "unsteady: "))],
        unsteady.read_text().splitlines() if unsteady.exists() else [],
        ran.read_text().split() if (ran := folder / "ran").exists() else [],
    )


def unsteady(tests: int, fail: str = FAIL) -> str:
    return UNSTEADY.format(tests=tests, fail=fail)


def test_what_passes_the_second_time_is_told_and_nothing_else_runs_again(tmp_path: Path) -> None:
    outcome = again(tmp_path, test_a=unsteady(1), test_b=STEADY)
    name = "test_a.py::test_it_passes_the_second_time[0]"
    assert outcome.code == 0
    assert outcome.said == [f"== once more, alone: {name}", f"unsteady: {name}"]
    assert outcome.unsteady == [f"unsteady: {name}"]
    assert outcome.ran == ["test_a-0", "test_a-steady", "test_a-0"]


def test_where_all_pass_nothing_runs_again(tmp_path: Path) -> None:
    assert again(tmp_path, test_a=unsteady(0)) == Outcome(0, [], [], ["test_a-steady"])


def test_what_fails_again_fails(tmp_path: Path) -> None:
    outcome = again(tmp_path, test_a=unsteady(1), test_b=NEVER)
    assert (outcome.code, outcome.unsteady) == (1, [])
    assert outcome.ran == ["test_a-0", "test_a-steady", "test_a-0"]


def test_three_are_tried_again_and_four_are_not(tmp_path: Path) -> None:
    (three := tmp_path / "three").mkdir()
    (four := tmp_path / "four").mkdir()
    outcome = again(three, test_a=unsteady(3))
    assert (outcome.code, len(outcome.unsteady)) == (0, 3)
    outcome = again(four, test_a=unsteady(4))
    assert (outcome.code, outcome.said, outcome.unsteady) == (1, [], [])


def test_what_failed_beside_others_runs_again_alone(tmp_path: Path) -> None:
    failing, dying = unsteady(1), unsteady(1, "os._exit(3)  # which fails, as its worker is gone")
    outcome = again(tmp_path, "-n2", "--dist=worksteal", test_a=failing, test_b=dying)
    name = "test_it_passes_the_second_time[0]"
    assert outcome.code == 0
    assert sorted(outcome.unsteady) == [f"unsteady: test_{file}.py::{name}" for file in "ab"]
    assert sorted(outcome.ran) == ["test_a-0"] * 2 + ["test_a-steady"] + ["test_b-0"] * 2 + [
        "test_b-steady"
    ]


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "beside others"])
def test_a_file_that_cannot_be_read_fails_at_once(options: tuple[str, ...], tmp_path: Path) -> None:
    outcome = again(tmp_path, *options, test_a="import nothing_of_this_name\n", test_b=STEADY)
    assert outcome.code > 0
    assert outcome.said == outcome.unsteady == []


@pytest.mark.parametrize(
    ("option", "code"),
    [
        pytest.param("--no-such-option", 4, id="usage"),
        pytest.param("-knothing", 5, id="no tests"),
    ],
)
def test_a_pytest_that_ends_otherwise_fails_at_once(option: str, code: int, tmp_path: Path) -> None:
    assert again(tmp_path, option, test_a=STEADY, test_b=NEVER).code == code


def test_a_run_that_is_given_up_fails_at_once(tmp_path: Path) -> None:
    given_up = "import pytest\ndef test_it_gives_up():\n    pytest.exit('no more')\n"
    outcome = again(tmp_path, test_a=unsteady(1), test_b=given_up)
    assert (outcome.code, outcome.said) == (2, [])


def test_a_process_that_dies_fails_at_once(tmp_path: Path) -> None:
    outcome = again(tmp_path, test_a=unsteady(1, "os._exit(1)"))
    assert (outcome.code, outcome.said, outcome.ran) == (1, [], ["test_a-0"])


def test_what_is_not_found_again_has_not_passed(tmp_path: Path) -> None:
    renamed = unsteady(1).replace("range(1)", "[os.getpid()]").replace("{number}", "")
    outcome = again(tmp_path, test_a=renamed)
    assert (outcome.code, outcome.unsteady) == (1, [])
    assert outcome.ran == ["test_a-", "test_a-steady"] * 2
