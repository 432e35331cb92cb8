"""How bytes leave by a thread, and what becomes of them when they cannot."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from airouter.telemetry.shipper import Shipper

SOON = 60.0


class Receiver:
    """Takes bytes, when it is let."""

    def __init__(self) -> None:
        self.got: queue.Queue[bytes] = queue.Queue()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, data: bytes) -> bool:
        self.got.put(data)
        return self.open.wait(SOON)


Start = Callable[..., Shipper]


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def start(receiver: Receiver) -> Iterator[Start]:
    started: list[Shipper] = []

    def start(
        deliver: Callable[[bytes], bool] = receiver,
        *,
        capacity: int = 1000,
        batch: int = 10,
        linger: float = 0.0,
    ) -> Shipper:
        shipper = Shipper(deliver, name="test", capacity=capacity, batch=batch, linger=linger)
        started.append(shipper)
        return shipper

    yield start
    receiver.open.set()
    for shipper in started:
        shipper.close(SOON)


def test_a_piece_is_delivered(start: Start, receiver: Receiver) -> None:
    start().put(b"one", 1)
    assert receiver.got.get(timeout=SOON) == b"one"


def test_pieces_that_wait_are_delivered_together(start: Start, receiver: Receiver) -> None:
    receiver.open.clear()
    shipper = start()
    shipper.put(b"one", 1)
    assert receiver.got.get(timeout=SOON) == b"one"
    shipper.put(b"two", 1)
    shipper.put(b"three", 1)
    receiver.open.set()
    assert receiver.got.get(timeout=SOON) == b"twothree"


def test_a_batch_ends_with_the_piece_that_fills_it(start: Start, receiver: Receiver) -> None:
    receiver.open.clear()
    shipper = start(batch=4)
    shipper.put(b"1", 1)
    receiver.got.get(timeout=SOON)
    for piece in (b"abc", b"def", b"ghi"):
        shipper.put(piece, 1)
    receiver.open.set()
    assert receiver.got.get(timeout=SOON) == b"abcdef"
    assert receiver.got.get(timeout=SOON) == b"ghi"


def test_who_lingers_waits_for_a_full_batch(start: Start, receiver: Receiver) -> None:
    shipper = start(linger=600.0)
    shipper.put(b"12345", 1)
    shipper.put(b"67890", 1)
    assert receiver.got.get(timeout=SOON) == b"1234567890"


def test_who_lingers_does_not_wait_forever(start: Start, receiver: Receiver) -> None:
    start(linger=0.01).put(b"one", 1)
    assert receiver.got.get(timeout=SOON) == b"one"


def test_closing_delivers_what_is_left(start: Start, receiver: Receiver) -> None:
    shipper = start(linger=600.0)
    shipper.put(b"one", 1)
    shipper.close(SOON)
    assert receiver.got.get_nowait() == b"one"


def test_closing_waits_no_longer_than_it_is_told(start: Start, receiver: Receiver) -> None:
    receiver.open.clear()
    shipper = start()
    shipper.put(b"one", 1)
    receiver.got.get(timeout=SOON)
    shipper.close(0.01)
    assert "test" in {thread.name for thread in threading.enumerate()}


def test_what_exceeds_the_capacity_is_dropped_and_counted(start: Start, receiver: Receiver) -> None:
    receiver.open.clear()
    shipper = start(capacity=10)
    shipper.put(b"one", 1)
    receiver.got.get(timeout=SOON)
    shipper.put(b"0123456789", 5)
    shipper.put(b"more", 2)
    assert shipper.dropped == 2


def test_room_is_made_by_delivery(start: Start, receiver: Receiver) -> None:
    shipper = start(capacity=3)
    for _ in range(3):
        shipper.put(b"one", 1)
        receiver.got.get(timeout=SOON)
    assert shipper.dropped == 0


def test_what_comes_after_the_end_is_dropped_and_counted(start: Start) -> None:
    shipper = start()
    shipper.close(SOON)
    shipper.put(b"late", 3)
    assert shipper.dropped == 3


def test_what_is_lost_on_the_way_is_counted(start: Start) -> None:
    shipper = start(lambda _: False)
    shipper.put(b"one", 3)
    shipper.close(SOON)
    assert shipper.dropped == 3


def test_the_first_loss_is_logged(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    shipper = start(lambda _: False, batch=1)
    shipper.put(b"one", 3)
    shipper.put(b"two", 3)
    shipper.close(SOON)
    assert caplog.messages == ["test: lost 3, and counts what else is lost"]


def test_a_receiver_that_raises_does_not_end_the_thread(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    got: queue.Queue[bytes] = queue.Queue()

    def deliver(data: bytes) -> bool:
        if data == b"bad":
            raise ZeroDivisionError
        got.put(data)
        return True

    shipper = start(deliver, batch=1)
    shipper.put(b"bad", 1)
    shipper.put(b"good", 1)
    assert got.get(timeout=SOON) == b"good"
    assert shipper.dropped == 1
    assert "test failed" in caplog.messages
