"""Books of bans, with time in the test's hand."""

from __future__ import annotations

import msgspec
import pytest

from airouter.bans import book as books
from airouter.bans.book import KEPT, MOST, BanBook
from airouter.bans.notice import (
    BY_HAND,
    LARGEST_MESSAGE,
    LONGEST_NAME,
    MOST_NOTICES,
    Ban,
    BanMessage,
    BanNotice,
    UnreadableBans,
    read_bans,
)

DOWN = Ban("a", "gpt", "503", 60.0, 60.0, 1)
OVER = Ban("a", "gpt", "503", 0.0, 0.0, 0)
HELD = Ban("a", "", BY_HAND, None, None, 1)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(clock: Clock) -> BanBook:
    return BanBook(clock)


def test_the_time_that_is_left_is_told_rather_than_a_time(book: BanBook, clock: Clock) -> None:
    book.note(DOWN)
    clock.now += 20.0
    (told,) = book.news(0).notices
    assert (told.age, told.ban.remaining) == (20.0, 40.0)
    other = BanBook(Clock())
    assert other.take([told]) == [told]
    assert other.known() == [msgspec.structs.replace(DOWN, remaining=40.0)]


def test_the_newest_word_counts_in_whichever_order_words_come(clock: Clock) -> None:
    words = [BanNotice("began", DOWN, age=9.0), BanNotice("ended", OVER, ended=True, age=3.0)]
    for told in (words, words[::-1]):
        book = BanBook(clock)
        book.take(told)
        assert book.known() == []


def test_a_ban_by_hand_and_another_one_are_kept_beside_each_other(book: BanBook) -> None:
    book.take([BanNotice("one", DOWN), BanNotice("two", HELD)])
    book.note(OVER, ended=True)
    assert book.known() == [HELD]


def test_what_was_heard_is_told_only_to_a_board_that_knows_nothing(book: BanBook) -> None:
    book.take([BanNotice("heard", DOWN)])
    book.note(HELD)
    assert [each.ban for each in book.news(0, own_after=0).notices] == [HELD]
    assert len(book.news(0, own_after=book.revision).notices) == 2


def test_bans_and_ends_are_forgotten_once_nobody_asks_for_them(book: BanBook, clock: Clock) -> None:
    book.note(DOWN)
    clock.now += 60.0 + KEPT
    assert book.known() == []
    book.note(HELD)
    assert [each.ban for each in book.news(0).notices] == [HELD]


def test_of_a_flood_the_last_are_kept(book: BanBook, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST == 10_000
    monkeypatch.setattr(books, "MOST", 3)
    for number in range(5):
        book.note(msgspec.structs.replace(DOWN, upstream_name=str(number)))
    assert [each.upstream_name for each in book.known()] == ["2", "3", "4"]


def test_a_message_of_the_longest_names_fits() -> None:
    name = "x" * LONGEST_NAME
    ban = Ban(name, name, "503", 60.0, 60.0, 1)
    message = BanMessage([BanNotice(str(n), ban) for n in range(MOST_NOTICES)])
    assert len(msgspec.json.encode(message)) <= LARGEST_MESSAGE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"notices":[{"id":"","ban":{}}]}',
        b'{"notices":[{"id":"x","age":-1,"ban":{"credential":"a","upstream_name":"","reason":"r",'
        b'"seconds":1,"remaining":1,"count":1}}]}',
        b'{"notices":[{"id":"x","ban":{"credential":"a","upstream_name":"","reason":"r",'
        b'"seconds":1,"remaining":1e300,"count":1}}]}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableBans):
        read_bans(content, BanMessage)
