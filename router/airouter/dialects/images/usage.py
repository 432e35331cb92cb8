"""Usage of a stream of images, read from the side while the bytes pass through.

Each image has an event of its own, which ends with what it took (`image_generation.completed` of
the openai SDK); drafts before that have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.errors import error_event
from airouter.dialects.chat.usage import DONE
from airouter.dialects.conversation import Usage
from airouter.dialects.ending import Ending
from airouter.dialects.forwarding import EVENT_END, EventForwarder
from airouter.dialects.framing import frame_of
from airouter.dialects.openai_usage import ResponsesCounts, images_usage
from airouter.dialects.spending import added
from airouter.interfaces import unfinished
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from airouter.dialects.dialect import Write
    from airouter.failures import Failure

COMPLETED = b'.completed"'
"""In the event of an image, whether it was drawn or edited."""


class ImageEvent(msgspec.Struct):
    """An event of any type, as much of it as is of use."""

    type: str = ""
    usage: ResponsesCounts | None = None


_event = msgspec.json.Decoder(ImageEvent)


class UsageReader(EventForwarder):
    """A stream filter that forwards all events and adds up what the images took."""

    __slots__ = ("_usage",)

    def __init__(self, write: Write) -> None:
        super().__init__(write, Ending(*DONE))
        self._usage: Usage | None = None

    def forward(self, events: bytes) -> None:
        self.write(events)
        if events.find(COMPLETED) >= 0:
            for event in EVENT_END.split(events):
                self._note(event)

    def finish(self) -> Usage | None:
        """Return the usage of a stream. Raises `BrokenReply` for one without an image."""
        self.feed_rest()
        if not self.is_whole():
            raise unfinished()
        return self._usage

    def is_whole(self) -> bool:
        return self._usage is not None

    def usage_so_far(self, received: int) -> Usage:  # noqa: ARG002  # an image is no text
        return self._usage or Usage()

    def tokens_so_far(self, received: int) -> int:  # noqa: ARG002  # an image is no text
        return 0

    def cut_short(self) -> None:
        """Let it be: an image that is begun is paid for."""

    def break_off(self, failure: Failure) -> None:
        self.write(error_event(failure))

    def _note(self, event: bytes) -> None:
        frame = frame_of(event)
        found = None if frame is None else decoded_or_none(_event, frame.data)
        if found is not None and found.type.endswith(".completed"):
            self._usage = added(self._usage, images_usage(found.usage, 1))
