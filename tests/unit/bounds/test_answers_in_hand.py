"""Large answers to one client's requests wait for each other, and none for another client's."""

from __future__ import annotations

from airouter.bounds.answers_in_hand import AT_ONCE, SMALL, AnswerInHand, AnswersInHand

TOGETHER = 1_000_000
LARGE = 600_000


class Reply:
    """Some reply that a meter may have wait."""

    def __init__(self) -> None:
        self.waits = False

    def pause(self) -> None:
        self.waits = True

    def resume(self) -> None:
        self.waits = False


def reading(
    all_: AnswersInHand, client: str = "team", size: int = LARGE
) -> tuple[AnswerInHand, Reply]:
    """Return an answer of which so much has come."""
    answer, reply = all_.of(client), Reply()
    answer.note(reply, size)
    return answer, reply


def give(answer: AnswerInHand) -> None:
    """Have a client have its answer."""
    with answer:
        pass


def test_the_first_gets_all_of_its_answer_and_the_next_waits_for_room() -> None:
    all_ = AnswersInHand(TOGETHER)
    first, one = reading(all_)
    _, other = reading(all_)
    first.note(one, 50 * LARGE)
    assert (one.waits, other.waits) == (False, True)
    give(first)
    assert not other.waits
    assert all_.size_of("team") == LARGE


def test_nobody_waits_for_the_answers_of_another_client() -> None:
    all_ = AnswersInHand(TOGETHER)
    reading(all_, "one", 50 * LARGE)
    _, reply = reading(all_, "other", 50 * LARGE)
    assert not reply.waits


def test_small_answers_do_not_wait() -> None:
    all_ = AnswersInHand(TOGETHER)
    reading(all_, size=50 * LARGE)
    answer, reply = reading(all_, size=SMALL)
    assert not reply.waits
    give(answer)
    assert all_.size_of("team") == 50 * LARGE


def test_no_more_go_on_than_there_is_room_for() -> None:
    all_ = AnswersInHand(TOGETHER)
    first, _ = reading(all_, size=50 * LARGE)
    waiting = [reading(all_, size=AT_ONCE)[1] for _ in range(20)]
    assert all(reply.waits for reply in waiting)
    give(first)
    assert [reply.waits for reply in waiting] == [False] + [True] * 19


def test_the_replies_to_one_request_never_wait_for_each_other() -> None:
    all_ = AnswersInHand(TOGETHER)
    answer = all_.of("team")
    replies = [Reply() for _ in range(16)]
    for reply in replies:
        answer.note(reply, LARGE)
    assert not any(reply.waits for reply in replies)
    give(answer)
    assert all_.size_of("team") == 0


def test_one_that_was_given_up_in_the_middle_leaves_nothing_behind() -> None:
    all_ = AnswersInHand(TOGETHER)
    first, _ = reading(all_)
    second, _ = reading(all_)
    _, third = reading(all_)
    give(second)
    assert third.waits
    give(first)
    assert not third.waits
    assert all_.size_of("team") == LARGE
