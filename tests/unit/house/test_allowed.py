"""Old offences are allowed by name, new ones are not; an entry that stands for nothing fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from house.__main__ import REPOSITORY, main
from house.allowed import PATH, Allowed
from house.source import Finding

LINE = Finding("router/a.py", 3, "Line is defined once more", "Line")
WHAT = Finding("router/a.py", 1, 'docstring opens with "What"')


def found(*names: Finding, openings: int = 0) -> dict[str, list[Finding]]:
    return {"doubled_names": [*names], "docstring_openings": [WHAT] * openings}


def test_an_offence_that_is_listed_is_allowed() -> None:
    assert not list(Allowed({"doubled_names": ["Line"]}, 0).offences(found(LINE)))


def test_an_offence_that_is_not_listed_fails() -> None:
    assert list(Allowed({"doubled_names": []}, 0).offences(found(LINE))) == [LINE]


def test_a_name_that_is_listed_for_nothing_fails() -> None:
    allowed = Allowed({"doubled_names": ["Line", "Record"]}, 0)
    (offence,) = allowed.offences(found(LINE))
    line = allowed.render().splitlines().index('  "Record",') + 1
    assert str(offence) == (
        f"{PATH}:{line}: doubled_names lists Record for nothing "
        "(fix: take it off, or run make format)"
    )


def test_docstrings_may_open_badly_as_often_as_is_allowed() -> None:
    assert not list(Allowed({}, 2).offences(found(openings=2)))
    assert not list(Allowed({}, 2).offences(found(openings=1)))


def test_one_docstring_too_many_shows_all_and_the_limit() -> None:
    *shown, limit = Allowed({}, 1).offences(found(openings=2))
    assert shown == [WHAT, WHAT]
    assert limit.message.startswith("2 such docstrings, 1 at most (fix: ")


def test_none_is_allowed_once_the_number_is_zero() -> None:
    assert list(Allowed({}, 0).offences(found(openings=1))) == [WHAT]


def test_shrinking_takes_off_what_is_mended_and_adds_nothing() -> None:
    shrunk = Allowed({"doubled_names": ["Record"]}, 3).shrunk(found(LINE, openings=2))
    assert shrunk == Allowed({"doubled_names": []}, 2)


def test_what_is_written_is_read_again() -> None:
    allowed = Allowed({"doubled_names": ["Line", "Record"], "long_files": []}, 3)
    assert Allowed.read(allowed.render()) == allowed


def test_the_file_is_as_it_would_be_written() -> None:
    text = (REPOSITORY / PATH).read_text("utf-8")
    assert Allowed.read(text).render() == text


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose list holds a name that nothing defines twice."""
    for folder in ("router", "scripts/house"):
        (tmp_path / folder).mkdir(parents=True)
    allowed = Allowed({"long_functions": [], "long_files": [], "doubled_names": ["Line"]}, 0)
    (tmp_path / PATH).write_text(allowed.render())
    return tmp_path


def test_the_command_names_each_offence_and_fails(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "router/a.py").write_text("def f():\n" + "    pass\n" * 60)
    assert main(repository, shrink=False) == 1
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in said] == [
        "router/a.py:1:",
        "router/a.py:1:",
        f"{PATH}:11:",
        "House:",
    ]


def test_the_command_passes_once_it_has_shrunk_the_list(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(repository, shrink=True) == 0
    assert main(repository, shrink=False) == 0
    assert capsys.readouterr().out == "House: in order\n"
