"""From turns to the contents of a request: two roles, and results beside each other.

Source: `contents` in Google's API reference; the rules of order are what the service refuses.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from airouter.dialects.conversation import (
    Audio,
    File,
    Image,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from airouter.dialects.functions import arguments_object, raw_object
from airouter.dialects.provenance import is_own
from airouter.dialects.tools import is_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

    from airouter.dialects.conversation import Json, Media, Part, Signature, Turn
    from airouter.dialects.gemini.models import Traits

FOREIGN_CALL = base64.b64encode(b"skip_thought_signature_validator").decode()
"""Google's signature for a call that no Gemini made; in base64, as all on the wire."""
BY_REFERENCE = re.compile(
    r"gs://|https://generativelanguage\.googleapis\.com/|https://(?:www\.)?youtu(?:\.be|be\.com)/"
)


class Contents:
    """A writer of contents for one model."""

    def __init__(self, maker: str, traits: Traits) -> None:
        self._maker = maker
        self._traits = traits
        self._calls: dict[str, KnownCall] = {}
        """Calls by id; of several with one id, the last."""
        self._count = 0

    def of(self, turns: Sequence[Turn]) -> list[Json]:
        """Return the contents of turns whose roles alternate. Raises `Unsupported`."""
        current = start_of_current(turns)
        contents = []
        for index, turn in enumerate(turns):
            parts = self._parts(turn, demanded=self._traits.signs_calls and index >= current)
            if parts:
                role = "model" if turn.role == "assistant" else "user"
                contents.append({"role": role, "parts": parts})
            elif turn is turns[-1] and turn.role == "user":  # the model would go on with its own
                raise Unsupported(turn.at, "needs something that the user says")
        return contents

    def _parts(self, turn: Turn, *, demanded: bool) -> list[Json]:
        """Return the parts of a turn; `demanded` says that its first call needs a signature."""
        parts: list[Json] = []
        shown: list[Json] = []
        for part in sorted(turn.parts, key=self._place):
            if isinstance(part, ToolCall):
                parts.append(self._call(part, demanded=demanded))
                demanded = False
            elif isinstance(part, ToolResult):
                parts.append(self._result(part, turn, shown))
            else:
                parts.extend(self._written(part, turn))
        results = sum(isinstance(part, ToolResult) for part in turn.parts)
        return parts[:results] + shown + parts[results:]

    def _place(self, part: Part) -> int:
        """Return the place of a result, which Gemini knows by the order of calls."""
        return self._calls[part.call_id].place if isinstance(part, ToolResult) else self._count

    def _written(self, part: Part, turn: Turn) -> list[Json]:  # noqa: PLR0911  # one for each
        match part:
            case Text():
                return self._text(part)
            case Image():
                return [media_part(part.media, turn)]
            case File():
                return document(part, turn)
            case Audio(data=str() as data):
                return [{"inlineData": {"mimeType": f"audio/{part.format or 'wav'}", "data": data}}]
            case Reasoning():
                return self._thought(part)
            case Refusal():
                return [{"text": part.text}] if part.text else []
            case Opaque(dialect="gemini"):
                return [part.native]
            case Opaque(said=str(said)):
                return [{"text": said}]
            case _ if is_record(part, turn):
                return []
        raise Unsupported(turn.at, "cannot take one of its parts")

    def _text(self, part: Text) -> list[Json]:
        signed = self._signed(part.signature)
        return [{"text": part.text, **signed}] if part.text or signed else []

    def _thought(self, part: Reasoning) -> list[Json]:
        """Return a thought, which is of use to Gemini only with its signature."""
        signed = self._signed(part.signature)
        return [{"text": part.text, "thought": True, **signed}] if signed else []

    def _signed(self, signature: Signature | None) -> Json:
        if signature is None or not is_own(signature, self._maker):
            return {}
        return {"thoughtSignature": signature.value}

    def _call(self, part: ToolCall, *, demanded: bool) -> Json:
        self._calls[part.id] = KnownCall(self._count, part.name)
        self._count += 1
        call = {"name": part.name, "args": arguments_object(part)}
        signed = self._signed(part.signature)
        if demanded and not signed:
            signed = {"thoughtSignature": FOREIGN_CALL}
        return {"functionCall": call, **signed}

    def _result(self, part: ToolResult, turn: Turn, shown: list[Json]) -> Json:
        """Return the result of a call; images that cannot be in it are added to `shown`."""
        if any(isinstance(each, Opaque) and each.said is None for each in part.parts):
            raise Unsupported(turn.at, "cannot take one of its parts")
        if any(isinstance(each, File) and each.cited for each in part.parts):
            raise Unsupported(turn.at, "cannot cite documents")
        response: dict[str, Any] = {
            "name": self._calls[part.call_id].name,
            "response": response_of(part),
        }
        media = [
            media_part(each.media, turn)
            for each in part.parts
            if isinstance(each, Image | File) and each.media.text is None
        ]
        if media and self._traits.media_results:
            response["parts"] = media
        elif media:
            shown += media
        return {"functionResponse": response}


class KnownCall(NamedTuple):
    """A call whose result will come: the number of calls before, and the tool."""

    place: int
    name: str


def start_of_current(turns: Sequence[Turn]) -> int:
    """Return where the turn begins that is not over: at what the user said last."""
    for index in range(len(turns) - 1, -1, -1):
        turn = turns[index]
        if turn.role == "user" and any(not isinstance(part, ToolResult) for part in turn.parts):
            return index
    return 0


def response_of(part: ToolResult) -> Json | msgspec.Raw:
    """Return the result of a call as an object."""
    text = "\n".join(filter(None, map(readable_text, part.parts)))
    if part.failed:
        return {"error": text}
    found = raw_object(text)
    return {"result": text} if found is None else found


def readable_text(part: Text | Image | File | Opaque) -> str:
    """Return what of a result is text."""
    if isinstance(part, File):
        return "\n".join(filter(None, (part.context, part.media.text)))
    if isinstance(part, Opaque):
        return part.said or ""
    return part.text if isinstance(part, Text) else ""


def document(part: File, turn: Turn) -> list[Json]:
    """Return a document, after what is to be known of it. Raises `Unsupported`."""
    if part.cited:
        raise Unsupported(turn.at, "cannot cite documents")
    said = [{"text": part.context}] if part.context else []
    if part.media.text is None:
        return [*said, media_part(part.media, turn)]
    title = f"{part.name}:\n" if part.name else ""
    return [*said, {"text": title + part.media.text}]


def media_part(media: Media, turn: Turn) -> Json:
    """Return media as bytes or by reference. Raises `Unsupported`."""
    if media.data is not None:
        if not media.media_type:
            raise Unsupported(turn.at, "cannot take data without a type")
        return {"inlineData": {"mimeType": media.media_type, "data": media.data}}
    return file_part(media, turn)


def file_part(media: Media, turn: Turn) -> Json:
    """Return a reference to what Google can read. Raises `Unsupported`."""
    if media.url is None or not BY_REFERENCE.match(media.url):
        raise Unsupported(turn.at, "does not know files of another provider")
    file = {"fileUri": media.url} | ({"mimeType": media.media_type} if media.media_type else {})
    return {"fileData": file}


def is_fetched(media: Media) -> bool:
    """Return whether media must be fetched for Google."""
    return media.url is not None and not BY_REFERENCE.match(media.url)
