"""Each rule of the house refuses what it is there for, and nothing beside it."""

from __future__ import annotations

from house import rules
from house.source import parse

ROUTER = "router/airouter/"


def function_of(lines: int) -> str:
    return "def f():\n" + "    pass\n" * (lines - 1)


def test_a_function_of_61_lines_is_too_long() -> None:
    source = parse("router/a.py", "\n" + function_of(61))
    (found,) = rules.long_functions([source])
    assert str(found) == "router/a.py:2: f has 61 lines, 60 at most (fix: split it)"
    assert found.key == "router/a.py::f"


def test_a_function_of_60_lines_is_not() -> None:
    assert not list(rules.long_functions([parse("router/a.py", function_of(60))]))


def test_methods_and_nested_functions_are_measured_too() -> None:
    body = "            pass\n" * 60
    method = f"class A:\n    async def b(self):\n        def c():\n{body}"
    found = rules.long_functions([parse("tests/a.py", method)])
    assert [finding.key for finding in found] == ["tests/a.py::A.b", "tests/a.py::A.b.c"]


def test_a_file_of_401_lines_is_too_long() -> None:
    sources = [parse("tests/a.py", "pass\n" * 401), parse("tests/b.py", "pass\n" * 400)]
    (found,) = rules.long_files(sources)
    assert str(found) == ("tests/a.py:401: 401 lines, 400 at most (fix: split the file by topic)")


def test_a_module_without_a_docstring_is_refused_even_when_private() -> None:
    paths = ["router/a.py", "router/__init__.py", "operator/_a.py", "scripts/a.py"]
    found = list(rules.bare_modules([parse(path, "X = 1\n") for path in paths]))
    assert [finding.path for finding in found] == paths
    assert str(found[0]) == (
        "router/a.py:1: no module docstring "
        "(fix: say why the module exists and who its neighbours are)"
    )


def test_tests_and_modules_with_a_docstring_pass() -> None:
    sources = [parse("router/a.py", '# A comment\n"""A."""\n'), parse("tests/a.py", "X = 1\n")]
    assert not list(rules.bare_modules(sources))


def test_docstrings_that_begin_with_a_question_are_found_wherever_they_stand() -> None:
    text = '"""What is asked."""\nclass A:\n  """It, whole."""\n  def b(self):\n    """How."""\n'
    found = list(rules.docstring_openings([parse("operator/a.py", text)]))
    assert [finding.line for finding in found] == [1, 3, 5]
    assert str(found[0]) == (
        'operator/a.py:1: docstring opens with "What" '
        "(fix: begin with a verb or the noun it is about)"
    )


def test_other_docstrings_and_those_of_tests_pass() -> None:
    sources = [
        parse("router/a.py", '"""Whatever a client sends.\n\nWhat it gets."""\n'),
        parse("tests/a.py", '"""What tests share."""\n'),
    ]
    assert not list(rules.docstring_openings(sources))


def test_a_name_that_two_modules_define_is_refused() -> None:
    sources = [
        parse(f"{ROUTER}a.py", "class Line: ...\n"),
        parse(f"{ROUTER}b.py", "\nclass Line: ...\n"),
        parse("operator/c.py", "def Line(): ...\n"),
    ]
    (found,) = rules.doubled_names(sources)
    assert str(found) == (
        "router/airouter/a.py:1: Line is defined once more in "
        "router/airouter/b.py:2, operator/c.py:1 (fix: give each a name of its own)"
    )
    assert found.key == "Line"


def test_names_of_tests_of_methods_and_of_overloads_may_repeat() -> None:
    sources = [
        parse(f"{ROUTER}a.py", "@overload\ndef f(): ...\ndef f(): ...\nclass A:\n  def b(): ...\n"),
        parse(f"{ROUTER}b.py", "class B:\n  def b(): ...\n"),
        parse("tests/c.py", "def f(): ...\n"),
    ]
    assert not list(rules.doubled_names(sources))


def test_siblings_may_share_a_name() -> None:
    chat, gemini = f"{ROUTER}dialects/chat/", f"{ROUTER}dialects/gemini/"
    assert rules.mirrored([f"{chat}parse.py", f"{gemini}parse.py"])
    assert rules.mirrored([f"{ROUTER}config/resource/model.py", f"{ROUTER}config/snapshot.py"])
    assert rules.mirrored([f"{ROUTER}__main__.py", "operator/airouter_operator/__main__.py"])


def test_a_name_is_defined_once_in_each_sibling() -> None:
    chat, gemini = f"{ROUTER}dialects/chat/", f"{ROUTER}dialects/gemini/"
    assert not rules.mirrored([f"{chat}parse.py", f"{chat}render.py", f"{gemini}parse.py"])
    assert not rules.mirrored([f"{chat}parse.py", f"{ROUTER}dialects/turns.py"])
    assert not rules.mirrored([f"{chat}parse.py", f"{ROUTER}config/snapshot.py"])
