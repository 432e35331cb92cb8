from typing import Any

import pytest

from support.manifests import credential, findings, snapshot


def rejected(**fields: Any) -> str:
    """The only finding of a credential with these fields, without where it is."""
    found = [f for f in findings(credentials=[credential(**fields)]) if "[name=main]" in f]
    assert len(found) == 1
    return found[0].removeprefix("error: spec.credentials[name=main].")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "https://api.openai.com/v1",
        "https://a.example:8443/x/y/",
        "http://[::1]:8000/v1",
        "HTTPS://A.example",
    ],
)
def test_a_base_url_is_a_root_of_http_or_https(url: str) -> None:
    assert findings(credentials=[credential(baseURL=url)]) == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "not allowed"),
        ("https://a b", "not allowed"),
        ("https://a\r\nhost: b", "not allowed"),
        ("https://exämple", "not allowed"),
        ("ftp://a.example", "not a URL of http or https"),
        ("a.example/v1", "not a URL of http or https"),
        ("https://", "not a URL of http or https"),
        ("https://a.example:0", "not a URL of http or https"),
        ("https://a.example:99999", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://user:sk-secret@a.example", "a user or a password"),
        ("https://a.example?key=sk-secret", "a query or a fragment"),
        ("https://a.example/#", "a query or a fragment"),
        ("https://a.example/" + "x" * 2048, "too long"),
    ],
)
def test_any_other_base_url_is_refused_and_not_repeated(url: str, reason: str) -> None:
    found = rejected(baseURL=url)
    assert found.startswith("baseURL: ")
    assert reason in found
    assert "sk-secret" not in found


@pytest.mark.parametrize("type_", ["AzureOpenAI", "OpenAICompatible", "Router"])
def test_a_type_without_a_place_of_its_own_needs_a_base_url(type_: str) -> None:
    assert rejected(type=type_, baseURL=None).startswith(f"baseURL: is required for type {type_}")


@pytest.mark.parametrize(
    ("block", "owner", "fields"),
    [
        ("aws", "Bedrock", {"region": "us-east-1"}),
        ("gcp", "VertexAI", {"location": "global"}),
        ("azure", "AzureOpenAI", {"apiVersion": "v1"}),
        ("mock", "Mock", {"reply": "echo"}),
    ],
)
def test_a_block_belongs_to_one_type(block: str, owner: str, fields: dict[str, str]) -> None:
    assert rejected(**{block: fields}) == f"{block}: is for type {owner} only (fix: remove {block})"


def test_an_api_cannot_be_chosen_where_it_is_fixed() -> None:
    assert rejected(type="Anthropic", api=["chat"]) == (
        "api: is fixed for type Anthropic (fix: remove api)"
    )


def test_tls_needs_https() -> None:
    assert rejected(tls={"serverName": "a.example"}).startswith("tls: has no effect without TLS")


def test_connecting_takes_part_of_the_total() -> None:
    assert rejected(timeouts={"connect": "6s", "total": "5s"}) == (
        "timeouts: connect is longer than total (fix: make connect at most as long as total)"
    )


@pytest.mark.parametrize(
    "name", ["Authorization", "x-api-key", "HOST", "content-length", "transfer-encoding", "te"]
)
def test_headers_that_the_router_writes_are_refused(name: str) -> None:
    found = rejected(headers=[{"name": name, "value": "x"}])
    assert "is a header that the router writes itself" in found


@pytest.mark.parametrize("name", ["", "a b", "a:b", "a\r\nb", "é", "x" * 65])
def test_what_is_no_name_of_a_header_is_refused(name: str) -> None:
    assert "is not a header name" in rejected(headers=[{"name": name, "value": "x"}])


@pytest.mark.parametrize("value", ["a\r\nb: c", "a\x00", "\x7f", " a", "a ", "snow☃man", "a\tb"])
def test_what_cannot_stand_in_a_header_is_refused(value: str) -> None:
    assert "cannot be sent in a header" in rejected(headers=[{"name": "x-a", "value": value}])


def test_a_header_stands_once_whatever_its_case() -> None:
    twice = [{"name": "X-Team", "value": "a"}, {"name": "x-team", "value": "b"}]
    assert rejected(headers=twice) == "headers: has a duplicate entry (fix: list each entry once)"


def test_header_names_are_lower_case_in_a_snapshot() -> None:
    headers = [{"name": "X-Team", "value": "ü"}, {"name": "x-empty", "value": ""}]
    found = snapshot(credentials=[credential(headers=headers)])
    assert found.credentials[0].headers == (("x-team", "ü"), ("x-empty", ""))


def test_a_mock_reply_has_a_grammar() -> None:
    found = rejected(type="Mock", baseURL=None, mock={"reply": "shout"})
    assert found.startswith("mock.reply: is not a Mock reply (fix: use one of: echo |")


@pytest.mark.parametrize(
    "mock",
    [
        {"errorPercent": 101},
        {"errorPercent": "5"},
        {"errorStatus": 200},
        {"errorStatus": 500.5},
        {"tokensPerSecond": 0},
        {"latency": "2h"},
        {"reply": "text:" + "x" * 4096},
    ],
)
def test_a_mock_has_bounds(mock: dict[str, Any]) -> None:
    assert rejected(type="Mock", baseURL=None, mock=mock).startswith("mock.")


@pytest.mark.parametrize(
    ("fields", "finding"),
    [
        ({"weight": "1"}, "weight: is a string (fix: use a whole number)"),
        ({"weight": True}, "weight: is a boolean (fix: use a whole number)"),
        ({"labels": {"tier": 1}}, "labels.tier: is a number (fix: use a string, in quotes "),
        ({"labels": {"-": "x"}}, "labels.-: is not the key of a label"),
        ({"labels": {f"l{i}": "x" for i in range(17)}}, "labels: has too many entries"),
        ({"api": []}, "api: has too few entries (fix: use at least 1)"),
        ({"api": ["chat", "chat"]}, "api: has a duplicate entry"),
        ({"api": ["speech"]}, "api[0]: is not a known value"),
        ({"secretRef": "sk-123"}, "secretRef: is a string (fix: use a mapping)"),
        ({"secretRef": {"name": "k", "key": "a/b"}}, "secretRef.key: is not a key of a Secret"),
        ({"limits": {"rpm": 0}}, "limits.rpm: is too small (fix: use 1 or more)"),
        ({"wieght": 1}, "wieght: is not a known field (fix: use weight)"),
        (
            {"timeouts": {"conect": "1s"}},
            "timeouts.conect: is not a known field (fix: use connect)",
        ),
        ({"type": None}, "type: is required (fix: add it: Kind of upstream"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(fields: dict[str, Any], finding: str) -> None:
    assert rejected(**fields).startswith(finding)


def test_a_null_is_an_absent_field() -> None:
    assert findings(credentials=[credential(weight=None, labels=None, tls=None)]) == []
