import pytest

from airouter.config.compile.vault import Vault
from airouter.config.findings import Report
from airouter.config.resource import SecretRef

PATH = ("spec", "auth")


def opened(value: str) -> tuple[str | None, list[str]]:
    report = Report()
    found = Vault({("keys", "api-key"): value}, report).key(SecretRef(name="keys"), PATH)
    return found, [str(finding) for finding in report.findings]


def test_a_key_comes_without_the_white_space_around_it() -> None:
    assert opened(" sk-1\n") == ("sk-1", [])


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("sk-1\r\nhost: x", "holds characters that cannot be sent in a header"),
        ("sk-ü", "holds characters that cannot be sent in a header"),
        ("sk 1", "holds characters that cannot be sent in a header"),
        ("k" * 8193, "is too long"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused_and_not_repeated(value: str, what: str) -> None:
    found, (text,) = opened(value)
    assert found is None
    assert text.startswith(f"error: spec.auth: key 'api-key' of Secret 'keys' {what} (fix: use ")
    assert "sk" not in text


def test_a_missing_key_is_told_with_those_that_are_there() -> None:
    report = Report()
    vault = Vault({("keys", "b"): "", ("keys", "a"): "", ("more", "c"): ""}, report)
    assert vault.value(SecretRef(name="keys", key="x"), PATH, "api-key") is None
    assert [str(f) for f in report.findings] == [
        "error: spec.auth: Secret 'keys' has no usable key 'x' (fix: use one of: a, b)"
    ]
    assert not report.rejected


def test_a_secret_that_everything_needs_rejects_everything() -> None:
    report = Report()
    Vault({}, report).key(SecretRef(name="keys"), PATH, rejects=True)
    assert report.rejected


def test_names_that_resemble_are_looked_for_while_few_secrets_are_missing() -> None:
    report = Report()
    vault = Vault({("provider-0", "k"): "x"}, report)
    for number in range(1024):
        vault.key(SecretRef(name=f"provider-{number + 1}"), ("spec", number))
    offers = [bool(finding.fix) for finding in report.findings]
    assert offers == [True] * 16 + [False] * 1008
