"""Images that the model drew, as the items in which OpenAI's own models give theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.dialects.conversation import Image, Json
    from airouter.dialects.responses.event_writer import EventWriter

KIND = "image_generation_call"
PREFIX = "ig"


def image_item(part: Image, id_: str) -> Json:
    """Return the item of an image."""
    media = part.media
    format_ = (media.media_type or "").removeprefix("image/")
    item = {"id": id_, "type": KIND, "status": "completed", "result": media.data or media.url}
    return item | ({"output_format": format_} if format_ else {})


def image_events(part: Image, out: EventWriter) -> bytes:
    """Return the events of an image."""
    item = image_item(part, out.next_id(PREFIX))
    begun = out.add({**item, "status": "in_progress", "result": None})
    steps = ("in_progress", "generating", "completed")
    told = (out.event(f"response.{KIND}.{step}", out.where()) for step in steps)
    return begun + b"".join(told) + out.finish(item)
