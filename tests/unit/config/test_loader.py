from typing import Any

from airouter.config.findings import FieldProblem
from airouter.config.loader import load_config
from support.manifests import client, credential, document, model


def texts(given: dict[str, Any]) -> list[str]:
    return [str(finding) for finding in load_config(given).findings]


def test_a_document_without_mistakes_is_read_whole() -> None:
    reading = load_config(document())
    assert reading.config is not None
    assert (reading.findings, reading.dropped) == ((), frozenset())


def test_a_broken_credential_is_dropped_and_the_others_stay() -> None:
    reading = load_config(document(credentials=[credential("bad", weight=-1), credential("good")]))
    assert reading.config is not None
    assert [c.name for c in reading.config.spec.credentials] == ["good"]
    assert reading.dropped == {("credential", "bad")}


def test_broken_models_and_clients_are_dropped_alike() -> None:
    auth = {"clients": [client("a", models=[]), client("b")]}
    reading = load_config(document(models=[model("x", limits=1), model("y")], auth=auth))
    assert reading.config is not None
    assert [m.name for m in reading.config.spec.models] == ["y"]
    assert [c.name for c in reading.config.spec.auth.clients] == ["b"]
    assert reading.dropped == {("model", "x"), ("client", "a")}


def test_an_item_that_is_no_mapping_is_dropped() -> None:
    reading = load_config(document(credentials=["main", credential()]))
    assert reading.config is not None
    assert [str(f) for f in reading.findings] == [
        "error: spec.credentials[0]: is a string (fix: use a mapping)"
    ]


def test_a_mistake_anywhere_else_rejects_the_document() -> None:
    assert load_config(document(resilience={"retries": {"attempts": 6}})).config is None
    assert load_config(document(auth={"masterKey": {}})).config is None
    assert load_config(document(models={"gpt": {}})).config is None
    assert load_config({}).config is None


def test_all_mistakes_are_reported_at_once() -> None:
    given = document(
        credentials=[credential(weight=-1, aws={"region": "x"}), credential("b", type="Router2")],
        models=[model(backends=[{"weight": 1001}])],
        surprise=1,
    )
    assert texts(given) == [
        "error: spec.credentials[name=main].weight: is too small (fix: use 0 or more)",
        "error: spec.credentials[name=main].aws: is for type Bedrock only (fix: remove aws)",
        (
            "error: spec.credentials[name=b].type: is not a known value (fix: use one of: OpenAI, "
            "AzureOpenAI, OpenAICompatible, Anthropic, Gemini, VertexAI, Bedrock, Router, Mock)"
        ),
        "error: spec.models[name=gpt].backends[0].weight: is too large (fix: use 1000 or less)",
        (
            "error: spec.models[name=gpt].backends[0].credential: is required "
            "(fix: set the name of a credential, or credentialSelector)"
        ),
        (
            "error: spec.surprise: is not a known field (fix: use one of: auth, credentials, "
            "http, ledger, models, pricing, redis, resilience, responses, sessions, telemetry)"
        ),
    ]


def test_the_second_item_of_a_name_is_dropped() -> None:
    given = document(credentials=[credential(priority=1), credential(priority=2), credential("b")])
    reading = load_config(given)
    assert reading.config is not None
    assert [c.priority for c in reading.config.spec.credentials] == [1, 0]
    assert reading.dropped == frozenset()
    assert [str(f) for f in reading.findings] == [
        (
            "error: spec.credentials[1].name: is the name of another credential "
            "(fix: use a unique name)"
        )
    ]


def test_problems_of_the_parser_drop_what_they_are_in() -> None:
    known = [FieldProblem(("spec", "credentials", 0, "weight"), "is given twice", line=7)]
    reading = load_config(document(credentials=[credential("a"), credential("b")]), known)
    assert reading.config is not None
    assert [c.name for c in reading.config.spec.credentials] == ["b"]
    assert reading.findings[0].line == 7


def test_problems_of_the_parser_elsewhere_reject_the_document() -> None:
    assert (
        load_config(document(), [FieldProblem(("spec", "credentials"), "is given twice")]).config
        is None
    )


def test_a_problem_inside_a_mapping_where_a_list_belongs_rejects_the_document() -> None:
    known = [FieldProblem(("spec", "models", "gpt", "weight"), "is given twice")]
    assert load_config(document(models={"gpt": {}}), known).config is None


def test_a_name_that_is_none_is_not_shown() -> None:
    given = document(credentials=[credential("sk-SECRET key"), credential(7)])  # type: ignore[arg-type]  # the mistake
    assert [text.split(": ")[1] for text in texts(given)] == [
        "spec.credentials[0].name",
        "spec.credentials[1].name",
    ]


def test_what_kubernetes_adds_to_an_object_is_accepted() -> None:
    given = document()
    given["metadata"] |= {"uid": "1", "generation": 3, "labels": {"a": "b"}}
    given["status"] = {"models": 1}
    assert load_config(given).findings == ()


def test_reading_changes_nothing_in_the_document() -> None:
    given = document(credentials=[credential(weight=-1), credential("b")])
    load_config(given)
    assert given == document(credentials=[credential(weight=-1), credential("b")])
