from typing import Any

import pytest

from airouter.config.documents import MAX_DEPTH, Document, Unreadable, documents
from airouter.config.findings import NamedItem


def only(text: str) -> Document:
    (document,) = documents(text)
    return document


def value(text: str) -> Any:
    document = only(text)
    assert document.problems == []
    return document.root.value


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2.50", 2.5),
        ("0x1f", 31),
        ("1_000", 1000),
        ("-7", -7),
        ("~", None),
        ("", None),
        ("on", True),
        ("'on'", "on"),
        ("y", True),
        ("'y'", "y"),
        ("N", False),
        ("1e3", 1000),
        ("08", 8),
        ("0o17", 15),
        ("1e20", 1e20),
        ("2024-11-20", "2024-11-20"),
        ("12:30", "12:30"),
        ("=", "="),
        ("! 12", "12"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("1m30s", "1m30s"),
        ("None", "None"),
    ],
)
def test_a_scalar_means_what_it_means_to_kubernetes(written: str, meant: object) -> None:
    assert value(f"a: {written}") == {"a": meant}


@pytest.mark.parametrize(
    "written",
    [".inf", ".nan", "9" * 30, "9" * 5000, "!!binary aGk=", "!!int x", "!!bool x", "!secret x"],
)
def test_a_value_that_json_does_not_have_is_a_problem_at_its_place(written: str) -> None:
    (problem,) = only(f"b: 1\na: [{written}]").problems
    assert (problem.path, problem.line) == (("a", 0), 2)
    assert "cannot be used" in problem.what


def test_a_key_is_always_the_word_that_is_written() -> None:
    assert value("{'on': 1, 12: 2, null: 3}") == {"on": 1, "12": 2, "null": 3}


@pytest.mark.parametrize("written", ["on", "y", "No", "true"])
def test_a_boolean_is_no_key_because_kubectl_would_write_another(written: str) -> None:
    (problem,) = only(f"a: 1\n{written}: 2").problems
    assert (problem.path, problem.what, problem.line) == ((written,), "is a boolean", 2)


def test_json_is_yaml() -> None:
    assert value('{"a":\t[1, true, null, "x\\u00e9"]}') == {"a": [1, True, None, "xé"]}


def test_every_document_that_holds_something_is_found() -> None:
    assert [d.root.value for d in documents("a: 1\n---\n# nothing\n---\nb: 2\n")] == [
        {"a": 1},
        {"b": 2},
    ]


def test_an_empty_text_holds_no_document() -> None:
    assert list(documents("")) == []


def test_a_key_given_twice_is_a_problem_in_its_second_line() -> None:
    document = only("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert document.root.value == {"a": {"b": 1, "c": 2}}
    assert [(p.path, p.what, p.line) for p in document.problems] == [
        (("a", "b"), "is given twice", 4)
    ]


def test_an_unknown_tag_on_a_collection_is_a_problem() -> None:
    assert [p.path for p in only("a: !!set {x}\nb: !!omap [1]").problems] == [("a",), ("b",)]


def test_a_document_that_is_only_a_mistake_is_not_lost() -> None:
    assert only("!foo bar").problems


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert value("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_a_merge_gives_what_is_not_written() -> None:
    assert value("a: &a {p: 1, q: 1}\nb: {<<: *a, q: 2}")["b"] == {"p": 1, "q": 2}


def test_the_first_of_several_merged_mappings_wins() -> None:
    assert value("a: {<<: [{p: 1}, {p: 2, q: 2}]}")["a"] == {"p": 1, "q": 2}


def test_a_merge_of_something_else_is_a_problem() -> None:
    (problem,) = only("a:\n  <<: [1]").problems
    assert (problem.path, problem.line) == (("a",), 2)


def test_a_quoted_merge_key_is_a_key() -> None:
    assert value("{'<<': 1}") == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("a: [1\n", 1, "is not YAML"),
        ("a: 1\nb: 'x", 2, "is not YAML"),
        ("a: 1\n\tb: 2", 2, "is not YAML"),
        ("a: é\nb: \x01", 2, "control character"),
        ("a: 1\n? [x]\n: 2", 2, "a key that is not a scalar"),
        ("a: 1\nb: *nobody", 2, "alias"),
        ("a: &a [*a]", 1, "alias"),
        ('a: "\\ud800"', 1, "is not YAML"),
        ("%YAML 3.0\n---\na: 1", 1, "is not YAML"),
    ],
)
def test_what_nobody_can_read_is_refused_with_its_line(text: str, line: int, what: str) -> None:
    with pytest.raises(Unreadable, match=what) as refused:
        list(documents(text))
    assert refused.value.line == line


def test_documents_before_a_broken_one_are_read() -> None:
    found = documents("a: 1\n---\nb: [")
    assert next(found).root.value == {"a": 1}
    with pytest.raises(Unreadable):
        next(found)


def test_nesting_is_bounded() -> None:
    assert value("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(Unreadable, match="nested too deeply"):
        list(documents("[" * 100_000))


def test_nesting_by_aliases_is_bounded() -> None:
    levels = "\n".join(f"a{i}: &a{i} {'[' * 30}*a{i - 1}{']' * 30}" for i in range(1, 9))
    with pytest.raises(Unreadable, match="nested too deeply") as refused:
        list(documents(f"a0: &a0 x\n{levels}"))
    assert refused.value.line == 4


def test_aliases_of_aliases_cannot_blow_a_document_up() -> None:
    levels = "\n".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 30))
    with pytest.raises(Unreadable, match="too many values"):
        list(documents(f"a0: &a0 x\n{levels}"))


def test_the_number_of_values_is_bounded() -> None:
    with pytest.raises(Unreadable, match="too many values"):
        list(documents("[" + "a," * 300_000 + "]"))


def test_a_path_leads_to_its_line() -> None:
    root = only("spec:\n  models:\n  - name: a\n  - name: b\n    weight: 1\n").root
    assert root.line_of(("spec", "models", NamedItem("b"), "weight")) == 5
    assert root.line_of(("spec", "models", 0, "name")) == 3


def test_a_path_to_what_is_not_there_leads_as_far_as_it_can() -> None:
    root = only("spec:\n  models:\n  - name: a\n").root
    assert root.line_of(("spec", "models", NamedItem("nobody"), "weight")) == 2
    assert root.line_of(("spec", "models", 0, "weight")) == 3
    assert root.line_of(("spec", "models", 0, "name", "deeper")) == 3
