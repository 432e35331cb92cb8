"""Trouble is told, and not too often."""

from __future__ import annotations

import pytest

from airouter.telemetry.provider_warnings import MOST, SILENCE, ProviderWarnings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_trouble_is_told_once_until_it_has_lasted(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    complaints = ProviderWarnings(clock)
    for _ in range(3):
        complaints.note("openai", "connect_error", "certificate has expired")
    assert caplog.messages == ["credential openai: certificate has expired"]
    clock.now += SILENCE
    complaints.note("openai", "connect_error", "certificate has expired")
    assert len(caplog.messages) == 2


def test_other_troubles_are_told_beside_it(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    complaints = ProviderWarnings(clock)
    complaints.note("openai", "connect_error", "a")
    complaints.note("openai", "timeout", "b")
    complaints.note("local", "connect_error", "c")
    assert len(caplog.messages) == 3


def test_what_was_told_is_not_remembered_without_end(clock: Clock) -> None:
    complaints = ProviderWarnings(clock)
    for number in range(3 * MOST):
        complaints.note(f"c{number}", "timeout", "b")
    assert len(complaints._silent_until) <= MOST
