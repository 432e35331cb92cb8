"""The page that `/vhealth` shows to people."""

from __future__ import annotations

from typing import Any

from airouter.web.page import health_page

HEALTH: dict[str, Any] = {
    "status": "draining",
    "version": "1.2.3",
    "uptime_seconds": 7,
    "config": {"source": "a & b", "last_reload_successful": False, "findings": ["<one>", "two"]},
    "stream": {"connected": True, "error": "gone < lost"},
    "models": [{"name": "m", "backends": ["c", "d"]}],
    "credentials": [{"name": "c", "type": "Mock", "in_flight": 3, "error": None, "bans": []}],
}


def test_it_shows_the_state_at_a_glance() -> None:
    page = health_page(HEALTH)
    assert '<span class="state draining">draining</span>' in page
    assert "<td>last reload successful</td><td>no</td>" in page
    assert "<td>up for</td><td>7 s</td>" in page
    assert "<td>m</td><td>c, d</td>" in page
    assert '<td>c</td><td>Mock</td><td class="number">3</td><td></td>' in page


def test_nothing_that_is_shown_can_be_markup() -> None:
    page = health_page(HEALTH)
    assert "<td>a &amp; b</td>" in page
    assert "<td>&lt;one&gt;<br>two</td>" in page


def test_it_says_how_it_stands_with_the_stream_where_there_is_one() -> None:
    assert "<h2>Stream</h2>" in health_page(HEALTH)
    assert "gone &lt; lost" in health_page(HEALTH)
    assert "<h2>Stream</h2>" not in health_page(HEALTH | {"stream": None})


def test_it_shows_who_is_banned_and_why() -> None:
    ban = {"model": "gpt", "reason": "429", "count": 1, "until": "tomorrow", "half_open": False}
    bans = [
        ban,
        {**ban, "model": None, "reason": "by_hand", "until": None},
        {**ban, "half_open": True},
    ]
    credential = {**HEALTH["credentials"][0], "bans": bans}
    page = health_page(HEALTH | {"credentials": [credential]})
    lines = ("gpt until tomorrow (429)", "all until it is lifted (by_hand)", "gpt half open (429)")
    assert f"<td>{'<br>'.join(lines)}</td>" in page
