from typing import Any

from airouter.config.snapshot import Backend, Compaction, ModelMetadata
from support.manifests import compiled, credential, findings, model, snapshot


def tiers(**spec: Any) -> list[list[tuple[str, int]]]:
    """Credential and weight of the first model's backends, tier by tier."""
    found = snapshot(**spec).models[0].tiers
    return [[(backend.credential, backend.weight) for backend in tier] for tier in found]


def test_a_backend_is_called_by_the_public_name_unless_it_says_another() -> None:
    backends = [{"credential": "main"}, {"credential": "main", "upstreamName": "gpt-2024"}]
    found = snapshot(models=[model(backends=backends)]).models[0]
    assert found.tiers == ((Backend("main", "gpt"), Backend("main", "gpt-2024")),)


def test_tiers_are_ordered_by_the_backends_priority_and_then_by_the_credentials() -> None:
    credentials = [credential("a", priority=2), credential("b", priority=1), credential("c")]
    backends = [
        {"credential": "a"},
        {"credential": "b", "priority": 1},
        {"credential": "c", "priority": 1},
    ]
    assert tiers(credentials=credentials, models=[model(backends=backends)]) == [
        [("a", 1)],
        [("c", 1)],
        [("b", 1)],
    ]


def test_backends_of_equal_priority_share_a_tier_in_the_order_of_declaration() -> None:
    credentials = [credential("b"), credential("a")]
    assert tiers(credentials=credentials, models=[model("gpt", "b", "a")]) == [[("b", 1), ("a", 1)]]


def test_weights_are_multiplied() -> None:
    backends = [{"credential": "main", "weight": 3}]
    assert tiers(credentials=[credential(weight=5)], models=[model(backends=backends)]) == [
        [("main", 15)]
    ]


def test_a_drained_backend_is_left_out() -> None:
    credentials = [credential("a", weight=0), credential("b")]
    assert tiers(credentials=credentials, models=[model("gpt", "a", "b")]) == [[("b", 1)]]
    assert findings(credentials=credentials, models=[model("gpt", "a", "b")]) == []


def test_a_model_that_is_drained_as_a_whole_is_worth_a_warning() -> None:
    models = [model(backends=[{"credential": "main", "weight": 0}])]
    assert snapshot(models=models).models[0].tiers == ()
    assert findings(models=models) == [
        (
            "warning: spec.models[name=gpt].backends: all drained by a weight of 0: "
            "every request gets a 503"
        )
    ]


def test_a_selector_means_every_credential_with_all_its_labels() -> None:
    credentials = [
        credential("a", labels={"tier": "paid", "region": "eu"}),
        credential("b", labels={"tier": "paid", "region": "us"}),
        credential("c", labels={"region": "eu"}),
    ]
    selector = {"matchLabels": {"tier": "paid", "region": "eu"}}
    models = [model(backends=[{"credentialSelector": selector}])]
    assert tiers(credentials=credentials, models=models) == [[("a", 1)]]


def test_what_is_said_of_a_credential_first_holds() -> None:
    credentials = [credential("a", labels={"x": "y"}), credential("b", labels={"x": "y"})]
    backends = [
        {"credential": "b", "weight": 7},
        {"credentialSelector": {"matchLabels": {"x": "y"}}},
    ]
    assert tiers(credentials=credentials, models=[model(backends=backends)]) == [
        [("b", 7), ("a", 1)]
    ]


def test_a_selector_that_finds_nothing_is_an_error() -> None:
    models = [model(backends=[{"credentialSelector": {"matchLabels": {"x": "y"}}}])]
    assert (
        "error: spec.models[name=gpt].backends[0].credentialSelector: matches no credential "
        "(fix: use labels that a credential has)"
    ) in findings(models=models)


def test_a_selector_that_finds_what_was_dropped_says_so() -> None:
    credentials = [credential(labels={"x": "y"}, secretRef={"name": "nobody"})]
    models = [model(backends=[{"credentialSelector": {"matchLabels": {"x": "y"}}}])]
    assert (
        "warning: spec.models[name=gpt].backends[0].credentialSelector: "
        "matches only credentials that were dropped"
    ) in findings(credentials=credentials, models=models)


def test_a_credential_that_is_not_there_is_an_error_and_the_model_stays_known() -> None:
    models = [model("gpt", "mian")]
    assert findings(models=models) == [
        (
            "warning: spec.credentials[name=main]: credential is not used by any model "
            "(fix: reference it in a model's backends, or delete it)"
        ),
        ("error: spec.models[name=gpt].backends: no usable backend: every request gets a 503"),
        (
            "error: spec.models[name=gpt].backends[0].credential: there is no credential mian "
            "(fix: use one of: main)"
        ),
    ]
    assert [m.name for m in snapshot(models=models).models] == ["gpt"]


def test_a_credential_that_was_dropped_for_its_form_is_not_called_missing() -> None:
    found = findings(
        credentials=[credential(weight=-1), credential("b")], models=[model("gpt", "main", "b")]
    )
    assert found[1:] == [
        "warning: spec.models[name=gpt].backends[0].credential: credential main was dropped"
    ]


def test_only_the_fallbacks_answer_for_a_model_without_backends() -> None:
    found = findings(models=[model("gpt", "nobody", fallbacks=["other"]), model("other")])
    assert (
        "error: spec.models[name=gpt].backends: no usable backend: only its fallbacks will answer"
    ) in found


def test_selectors_cannot_make_a_small_file_into_a_huge_snapshot() -> None:
    credentials = [credential(f"c{i}", labels={"x": "y"}) for i in range(256)]
    selector = {"credentialSelector": {"matchLabels": {"x": "y"}}}
    models = [model(f"m{i}", backends=[selector] * 32) for i in range(20)]
    found = compiled(credentials=credentials, models=models)
    assert found.snapshot is None
    assert "all models together have more than 100000 backends" in found.findings[0].what


def test_a_name_that_two_models_want_belongs_to_one() -> None:
    models = [
        model("a", aliases=["x", "b", "a"]),
        model("b", aliases=["x", "y"]),
    ]
    found = snapshot(models=models).models
    assert [m.aliases for m in found] == [("x",), ("y",)]
    assert findings(models=models) == [
        (
            "error: spec.models[name=a].aliases[1]: b is already a name of model b "
            "(fix: use a unique name)"
        ),
        (
            "error: spec.models[name=a].aliases[2]: a is already a name of model a "
            "(fix: use a unique name)"
        ),
        (
            "error: spec.models[name=b].aliases[0]: x is already a name of model a "
            "(fix: use a unique name)"
        ),
    ]


def test_fallbacks_are_public_names_each_once() -> None:
    models = [model("a", fallbacks=["bee", "b", "c"]), model("b", aliases=["bee"]), model("c")]
    assert snapshot(models=models).models[0].fallbacks == ("b", "c")


def test_a_fallback_is_another_model_that_is_there() -> None:
    models = [
        model("a", aliases=["self"], fallbacks=["self", "nobody", "broken"]),
        model("b"),
        model("broken", limits=1),
    ]
    found = compiled(models=models)
    assert [str(f) for f in found.findings if "fallbacks" in f.field] == [
        "error: spec.models[name=a].fallbacks[0]: is the model itself (fix: use another model)",
        "error: spec.models[name=a].fallbacks[1]: there is no model nobody (fix: use one of: b)",
        "warning: spec.models[name=a].fallbacks[2]: model broken was dropped",
    ]
    assert found.snapshot is not None
    assert found.snapshot.models[0].fallbacks == ()


def test_models_may_stand_in_for_each_other() -> None:
    models = [model("a", fallbacks=["b"]), model("b", fallbacks=["a"])]
    assert findings(models=models) == []


def test_a_router_without_models_is_worth_a_warning() -> None:
    assert findings(models=[], credentials=[]) == [
        "warning: spec.models: is empty: every request gets a 404 (fix: add a model)"
    ]


def test_what_is_known_of_a_model_is_kept() -> None:
    metadata = {"contextWindow": 1, "maxOutputTokens": 2, "ownedBy": "us"}
    found = snapshot(models=[model(metadata=metadata)]).models[0]
    assert found.metadata == ModelMetadata(1, 2, "us")


def test_a_model_has_its_own_wording_of_summaries_or_none() -> None:
    models = [model("a", compaction={"instructions": "Be brief."}), model("b")]
    found = snapshot(models=models).models
    assert [m.compaction for m in found] == [Compaction("Be brief."), Compaction(None)]
