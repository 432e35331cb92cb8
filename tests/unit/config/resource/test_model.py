from typing import Any

import pytest

from support.manifests import findings, model, snapshot


def rejected(**fields: Any) -> str:
    """The only error of a model with these fields, without where it is."""
    found = [f for f in findings(models=[model(**fields)]) if f.startswith("error")]
    assert len(found) == 1
    return found[0].removeprefix("error: spec.models[name=gpt].")


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"backends": []}, "backends: has too few entries (fix: use at least 1)"),
        (
            {"backends": None},
            "backends: is required (fix: add it: Backends that answer for the model, 1 to 32)",
        ),
        ({"backends": [{}]}, "backends[0].credential: is required"),
        (
            {
                "backends": [
                    {"credential": "main", "credentialSelector": {"matchLabels": {"a": "b"}}}
                ]
            },
            "backends[0].credentialSelector: cannot be combined with credential "
            "(fix: keep one of the two)",
        ),
        (
            {"backends": [{"credentialSelector": {"matchLabels": {}}}]},
            "backends[0].credentialSelector.matchLabels: has too few entries",
        ),
        ({"backends": [{"credential": "main", "weight": -1}]}, "backends[0].weight: is too small"),
        ({"aliases": ["a", "a"]}, "aliases: has a duplicate entry"),
        ({"aliases": [f"a{i}" for i in range(17)]}, "aliases: has too many entries"),
        ({"fallbacks": ["a b"]}, "fallbacks[0]: is not the name of a model"),
        ({"metadata": {"price": {"input": 2.5}}}, "metadata.price.input: is a number"),
        ({"compaction": {"instructions": ""}}, "compaction.instructions: is too short"),
        ({"compaction": {"instructions": "x" * 8193}}, "compaction.instructions: is too long"),
        ({"compaction": {"instructions": 1}}, "compaction.instructions: is a number"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(fields: dict[str, Any], finding: str) -> None:
    assert rejected(**fields).startswith(finding)


def test_parameters_are_free_json() -> None:
    free = {"temperature": 0.5, "stop": ["a", None], "response_format": {"type": "text"}}
    found = snapshot(models=[model(parameters={"defaults": free, "drop": ["user"]})])
    assert found.models[0].parameters.defaults == free
    assert found.models[0].parameters.drop == ("user",)


@pytest.mark.parametrize(
    ("parameters", "finding"),
    [
        ({"override": {"model": "x"}}, "parameters.override: sets model, which the router sets"),
        ({"defaults": {"stream": True}}, "parameters.defaults: sets stream, which the router"),
        ({"override": {"stream_options": {}}}, "parameters.override: sets stream_options, which"),
        ({"override": {"Model": "x"}}, "parameters.override: sets Model, which the router sets"),
        ({"drop": ["Stream"]}, "parameters.drop: drops Stream, which every request needs"),
        ({"drop": ["stream"]}, "parameters.drop: drops stream, which every request needs"),
        ({"defaults": {"a": "x" * 20_000}}, "parameters.defaults: is too large"),
        ({"defaults": {"a": "\ud800"}}, "parameters.defaults: is not JSON"),
        ({"defaults": {"a\n": 1}}, "parameters.defaults['a\\n']: is empty, too long or has"),
    ],
)
def test_parameters_leave_alone_what_routing_needs(
    parameters: dict[str, Any], finding: str
) -> None:
    assert rejected(parameters=parameters).startswith(finding)


def test_stream_options_may_be_dropped_for_servers_that_do_not_know_them() -> None:
    assert findings(models=[model(parameters={"drop": ["stream_options"]})]) == []
