import pytest

from support.manifests import credential, findings, model


@pytest.mark.parametrize(
    ("word", "own"),
    [
        ("api_key", "secretRef: {name: SECRET, key: KEY}"),
        ("apiKey", "secretRef: {name: SECRET, key: KEY}"),
        ("api_base", "baseURL"),
        ("base_url", "baseURL"),
        ("baseUrl", "baseURL"),
        ("rpm", "limits: {rpm: ...}"),
        ("timeout", "timeouts: {total: ...}"),
        ("vertex_location", "gcp: {location: ...}"),
    ],
)
def test_a_word_of_another_router_gets_our_own(word: str, own: str) -> None:
    told = findings(credentials=[credential(**{word: "x"})])
    assert f"spec.credentials[name=main].{word}: is not a known field (fix: use {own})" in told[0]


def test_a_word_that_would_mean_nothing_here_is_guessed_as_before() -> None:
    told = findings(models=[model(wieght=1, backends=[{"credential": "main", "wieght": 1}])])
    assert any(
        "backends[0].wieght: is not a known field (fix: use weight)" in line for line in told
    )
