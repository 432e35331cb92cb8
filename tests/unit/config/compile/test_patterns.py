from support.manifests import client, findings, grant, model

GPT = [model("gpt-4o"), model("gpt-4o-mini")]


def test_a_pattern_that_no_model_has_is_told() -> None:
    auth = {"clients": [client(models=["gpt-*", "claude-*"])]}
    assert findings(models=GPT, auth=auth) == [
        "warning: spec.auth.clients[name=team].models[1]: claude-* matches no model "
        "(fix: use one of: gpt-4o, gpt-4o-mini)"
    ]


def test_a_name_that_is_almost_one_gets_it_as_the_remedy() -> None:
    auth = {"grants": [grant(models=["gpt-4o-mimi"])]}
    assert findings(models=GPT, auth=auth) == [
        "warning: spec.auth.grants[name=teams].models[0]: gpt-4o-mimi is the name of no model "
        "(fix: use gpt-4o-mini)"
    ]


def test_limits_of_a_client_for_no_model_are_told() -> None:
    limits = [{"models": "o1*", "limits": {"rpm": 1}}]
    (told,) = findings(models=GPT, auth={"clients": [client(modelLimits=limits)]})
    assert "modelLimits[0].models: o1* matches no model" in told


def test_every_model_is_a_match_even_of_none() -> None:
    (told,) = findings(models=[], credentials=[], auth={"clients": [client()]})
    assert "spec.models: is empty" in told
