"""Where keys may be sent, by globs of hosts and URLs."""

import pytest

from airouter.config.trust import Trust


@pytest.mark.parametrize(
    ("glob", "url"),
    [
        ("api.openai.com", "https://api.openai.com/v1"),
        ("api.openai.com", "HTTPS://API.OpenAI.com:8443/v1"),
        ("*.Example.com", "http://a.b.example.com"),
        ("10.0.0.7:8000", "http://10.0.0.7:8000/v1"),
        ("api.openai.com:443", "https://api.openai.com/v1"),
        ("[fd00::1]", "http://[fd00::1]:8000/v1"),
        ("https://*.example.com/*", "https://a.example.com"),
        ("https://a.example.com/v1", "https://a.example.com:443/v1"),
        ("https://a.example.com:8443/*", "https://a.example.com:8443/v1"),
    ],
)
def test_a_glob_allows_what_it_is_about(glob: str, url: str) -> None:
    assert Trust(allowed_hosts=("nobody.invalid", glob)).allows(url)


@pytest.mark.parametrize(
    ("glob", "url"),
    [
        ("api.openai.com", "https://api.openai.com.attacker.example/v1"),
        ("api.openai.com", "https://attacker.example/api.openai.com"),
        ("*.example.com", "https://example.com"),
        ("10.0.0.7:8000", "http://10.0.0.7:8001"),
        ("https://*.example.com/*", "http://a.example.com/"),
        ("https://*.example.com/*", "https://attacker.example/x.example.com/"),
        ("https://*.example.com/*", "https://attacker.example:8443/.example.com/"),
    ],
)
def test_a_glob_allows_nothing_else(glob: str, url: str) -> None:
    assert not Trust(allowed_hosts=(glob,)).allows(url)


def test_without_globs_all_is_allowed() -> None:
    assert Trust().allows("https://anywhere.example")
