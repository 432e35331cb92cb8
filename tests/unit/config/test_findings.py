from airouter.config.findings import (
    Compiled,
    Finding,
    NamedItem,
    Report,
    choice,
    in_order,
    likely,
    path_text,
    quoted,
)


def test_a_path_reads_like_the_file() -> None:
    path = ("spec", "credentials", NamedItem("openai-main"), "headers", 2, "value")
    assert path_text(path) == "spec.credentials[name=openai-main].headers[2].value"


def test_a_key_that_is_no_plain_word_stands_in_quotes() -> None:
    assert path_text(("spec", "a b\x1b", "c")) == "spec['a b\\x1b'].c"


def test_a_long_key_is_cut() -> None:
    assert quoted("x" * 100) == repr("x" * 64 + "...")


def test_a_finding_says_where_what_and_how_to_mend_it() -> None:
    finding = Finding("error", ("spec", "weight"), "is too small", "use 0 or more", "a.yaml", 3)
    assert str(finding) == "a.yaml:3: error: spec.weight: is too small (fix: use 0 or more)"


def test_a_finding_about_a_whole_file_has_no_line_and_no_field() -> None:
    assert str(Finding("error", (), "is empty", file="a.yaml")) == "a.yaml: error: is empty"


def test_findings_are_ordered_by_file_line_and_field_and_stand_once() -> None:
    first = Finding("warning", ("b",), "x", file="a", line=2)
    second = Finding("error", ("a",), "x", file="a", line=10)
    third = Finding("error", ("a",), "x", file="b", line=1)
    assert in_order([third, second, first, second]) == (first, second, third)


def test_errors_and_warnings_are_counted() -> None:
    report = Report()
    report.error(("a",), "x")
    report.warning(("b",), "y")
    report.warning(("c",), "z")
    compiled = Compiled(None, tuple(report.findings))
    assert (compiled.count("error"), compiled.count("warning")) == (1, 2)


def test_only_an_error_that_rejects_rejects() -> None:
    report = Report()
    report.error(("a",), "x")
    assert not report.rejected
    report.error(("a",), "y", rejects=True)
    report.error(("a",), "z")
    assert report.rejected


def test_a_choice_of_many_shows_the_first() -> None:
    assert choice("abc", most=2) == "use one of: a, b, ..."
    assert choice(()) == ""


def test_the_likely_name_ignores_case() -> None:
    assert likely("BaseUrl", ["baseURL", "headers"]) == "use baseURL"
    assert likely("xyz", ["baseURL"]) == ""
