from pydantic import ValidationError

from airouter.config.field_errors import explain, problems_in
from airouter.config.resource import RouterConfig


def told(document: object) -> list[tuple[object, ...]]:
    try:
        RouterConfig.model_validate(document)
    except ValidationError as error:
        return [problem[:3] for problem in problems_in(error, RouterConfig)]
    return []


def test_a_document_that_is_no_mapping_is_told_as_such() -> None:
    assert told([]) == [((), "is a list", "use a mapping")]


def test_what_is_required_is_told_with_what_it_is_for() -> None:
    assert told({"kind": "RouterConfig", "spec": {}, "metadata": {}})[0] == (
        ("apiVersion",),
        "is required",
        "add it: Version of the API",
    )


def test_an_error_that_nobody_has_thought_of_is_told_all_the_same() -> None:
    details = {"type": "date_type", "loc": ("spec",), "msg": "Input is sk-1", "input": "sk-1"}
    assert explain(details, RouterConfig) == ("is not valid", "")  # type: ignore[arg-type]  # as pydantic makes it


def test_a_flood_of_errors_is_told_without_explanations() -> None:
    found = told({f"field{n}": 1 for n in range(3000)})
    assert len(found) == 3004
    assert found[-1] == (("field2999",), "is not valid", "")
