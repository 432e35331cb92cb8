"""The periods of budgets, by the calendars of time zones."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airouter.bookkeeping.periods import period_at

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0


def at(text: str) -> float:
    """A moment of UTC as Unix time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_a_month_turns_at_midnight_of_its_zone() -> None:
    november = period_at("Month", BERLIN, at("2026-11-30T22:59:59"))
    assert november.name == "Month/2026-11-01/Europe/Berlin"
    assert november.ends == at("2026-11-30T23:00:00")
    assert period_at("Month", BERLIN, at("2026-11-30T23:00:00")).name.startswith("Month/2026-12-01")


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_change_is_an_hour_shorter_or_longer(day: str, hours: int) -> None:
    period = period_at("Day", BERLIN, at(f"{day}T10:00:00"))
    assert period.ends is not None
    assert period.ends - period.begins == hours * HOUR


def test_a_month_in_which_clocks_change_begins_and_ends_at_midnight() -> None:
    october = period_at("Month", BERLIN, at("2026-10-25T01:30:00"))
    assert october.begins == at("2026-09-30T22:00:00")
    assert october.ends == at("2026-10-31T23:00:00")


def test_a_day_begins_at_a_midnight_that_is_no_full_hour_elsewhere() -> None:
    kathmandu = period_at("Day", ZoneInfo("Asia/Kathmandu"), at("2026-11-29T18:14:59"))
    assert (kathmandu.begins, kathmandu.ends) == (at("2026-11-28T18:15"), at("2026-11-29T18:15"))
    lord_howe = period_at("Day", ZoneInfo("Australia/Lord_Howe"), at("2026-04-04T20:00"))
    assert lord_howe.ends is not None
    assert lord_howe.ends - lord_howe.begins == 24.5 * HOUR  # its summer is half an hour


def test_a_month_has_a_leap_day_where_its_year_does() -> None:
    leap = period_at("Month", ZoneInfo("UTC"), at("2028-02-29T23:59:59"))
    assert (leap.begins, leap.ends) == (at("2028-02-01"), at("2028-03-01"))
    assert period_at("Month", ZoneInfo("UTC"), at("2027-02-28T23:59:59")).ends == at("2027-03-01")


def test_a_day_without_a_midnight_begins_with_its_first_moment() -> None:
    havana = ZoneInfo("America/Havana")  # where summer time begins at midnight
    change = at("2026-03-08T05:00:00")
    assert period_at("Day", havana, change).begins == change
    assert period_at("Day", havana, change - 1).ends == change


def test_a_week_begins_on_monday() -> None:
    week = period_at("Week", ZoneInfo("UTC"), at("2026-11-29T12:00:00"))
    assert week.begins == at("2026-11-23T00:00:00")
    assert week.ends == at("2026-11-30T00:00:00")


def test_a_total_never_ends() -> None:
    assert period_at("Total", BERLIN, 0.0).ends is None


@given(
    st.sampled_from(["Day", "Week", "Month"]),
    st.sampled_from(
        [
            "UTC",
            "Europe/Berlin",
            "America/Havana",
            "Asia/Beirut",
            "Pacific/Apia",
            "Asia/Kolkata",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Pacific/Chatham",
        ]
    ),
    st.integers(1_000_000_000, 3_000_000_000),
)
def test_every_moment_is_in_its_period_and_the_next_one_follows(
    kind: str, zone_name: str, now: int
) -> None:
    zone = ZoneInfo(zone_name)
    period = period_at(kind, zone, now)
    assert period.ends is not None
    assert period.begins <= now < period.ends
    following = period_at(kind, zone, period.ends)
    assert following.begins == period.ends
    assert following.name != period.name
