"""From turns to the messages of a Converse request.

Source: botocore's service model of `bedrock-runtime`; the order rules are what the service refuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from airouter.dialects.conversation import (
    Audio,
    CachePoint,
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
from airouter.dialects.converse.render_media import (
    audio,
    document_name,
    file_format,
    file_source,
    image,
)
from airouter.dialects.functions import arguments_object, fitting_id
from airouter.dialects.provenance import is_own
from airouter.dialects.tools import is_record
from airouter.dialects.turns import without_blanks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json, Part, Turn
    from airouter.dialects.converse.models import Traits

CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
NOTHING = "(no output)"
SEE_IMAGE = "See the image."
SEE_DOCUMENT = "See the document."


class Messages:
    """A writer of messages for one model; every document gets a name of its own."""

    def __init__(self, maker: str, traits: Traits) -> None:
        self._maker = maker
        self._traits = traits
        self._documents = 0

    def of(self, turns: Sequence[Turn]) -> list[Json]:
        """Return the messages of turns whose roles alternate. Raises `Unsupported`."""
        messages: list[Json] = []
        kinds: set[str] = set()
        for turn in turns:
            content = self._content(turn)
            if not content:
                continue  # so that its neighbours meet
            if not messages and turn.role == "assistant" and not self._traits.assistant_first:
                raise Unsupported(turn.at, "needs the user to speak first")
            if messages and messages[-1]["role"] == turn.role:
                messages[-1]["content"] += content
                kinds |= kinds_of(content)
            else:
                messages.append({"role": turn.role, "content": content})
                kinds = kinds_of(content)
            if self._traits.results_alone:
                check_alone(kinds, turn)
        return messages

    def _content(self, turn: Turn) -> list[Json]:
        blocks: list[Json] = []
        parts = without_blanks(turn.parts)
        if self._traits.results_alone:
            parts = with_words_inside(parts)
        for part in parts if self._traits.image_results else with_images_shown(parts):
            block = self._block(part, turn)
            if block is not None:
                blocks.append(block)
                cache = getattr(part, "cache", None) if self._traits.caches else None
                blocks.extend(cache_point(cache, block))
        kinds = kinds_of(blocks)
        if "document" in kinds and "text" not in kinds:
            blocks.append({"text": SEE_DOCUMENT})
        return blocks

    def _block(self, part: Part, turn: Turn) -> Json | None:  # noqa: PLR0911  # one for each
        match part:
            case Text(text=text) | Opaque(said=str(text)):
                return {"text": text} if text.strip() else None
            case Image():
                return {"image": image(part.media, turn)}
            case File():
                return {"document": self._document(part, turn)}
            case Audio(data=str()) if self._traits.claude is None:  # which hears nothing
                return {"audio": audio(part, turn)}
            case Reasoning():
                return self._reasoning(part)
            case ToolCall():
                return {"toolUse": call(part)}
            case ToolResult():
                return {"toolResult": self._result(part, turn)}
            case Refusal():
                return {"text": part.text} if part.text.strip() else None
            case _ if is_record(part, turn):
                return None
        raise Unsupported(turn.at, "cannot take one of its parts")

    def _reasoning(self, part: Reasoning) -> Json | None:
        """Return a thought of this model, or None for what another one thought."""
        if part.signature is None or not is_own(part.signature, self._maker):
            return None
        if part.signature.redacted:
            return {"reasoningContent": {"redactedContent": part.signature.value}}
        text = {"text": part.text, "signature": part.signature.value}
        return {"reasoningContent": {"reasoningText": text}}

    def _result(self, part: ToolResult, turn: Turn) -> Json:
        content: list[Json] = []
        for each in without_blanks(part.parts):
            block = self._block(each, turn)
            if block is not None:
                content.append(block)
        result: dict[str, Any] = {
            "toolUseId": call_id(part.call_id),
            "content": content or [{"text": NOTHING}],
        }
        if part.failed:
            result["status"] = "error"
        return result

    def _document(self, part: File, turn: Turn) -> Json:
        self._documents += 1
        media = part.media
        document: Json = {
            "name": f"{document_name(part.name)} {self._documents}",
            "format": file_format(part, turn),
            "source": file_source(media),
        }
        if part.context:
            document["context"] = part.context
        if part.cited:
            document["citations"] = {"enabled": True}
        return document


def system_blocks(turns: Sequence[Turn], traits: Traits) -> list[Json]:
    """Return the instructions that a conversation begins with."""
    blocks: list[Json] = []
    for turn in turns:
        for part in without_blanks(turn.parts):
            if isinstance(part, Text):
                blocks.append({"text": part.text})
                blocks.extend(cache_point(part.cache if traits.caches else None, blocks[-1]))
    return blocks


def with_words_inside(parts: Sequence[Part]) -> list[Part]:
    """Return parts with what is said beside the results of tools at the end of the last one."""
    results = [part for part in parts if isinstance(part, ToolResult)]
    words = [part for part in parts if isinstance(part, Text)]
    if not results or not words:
        return list(parts)
    last = msgspec.structs.replace(results[-1], parts=(*results[-1].parts, *words))
    rest = [part for part in parts if not isinstance(part, ToolResult | Text)]
    return [*results[:-1], last, *rest]


def with_images_shown(parts: Sequence[Part]) -> list[Part]:
    """Return parts with the images that tools gave behind the results, shown by the user."""
    results = [part for part in parts if isinstance(part, ToolResult)]
    shown = [image for part in results for image in part.parts if isinstance(image, Image)]
    if not shown:
        return list(parts)
    rest = [part for part in parts if not isinstance(part, ToolResult)]
    return [*map(without_images, results), *shown, *rest]


def without_images(result: ToolResult) -> ToolResult:
    """Return the result of a tool with a word in place of its images."""
    kept = tuple(part for part in result.parts if not isinstance(part, Image))
    if len(kept) == len(result.parts):
        return result
    return msgspec.structs.replace(result, parts=kept or (Text(text=SEE_IMAGE),))


def kinds_of(blocks: Sequence[Json]) -> set[str]:
    """Return the kinds of blocks: each is named by its only key."""
    return {next(iter(block)) for block in blocks}


def check_alone(kinds: set[str], turn: Turn) -> None:
    """Check that nothing stands beside the results of tools. Raises `Unsupported`."""
    if "toolResult" in kinds and kinds != {"toolResult"}:
        raise Unsupported(turn.at, "takes nothing beside the results of tools")


def cache_point(cache: CachePoint | None, block: Json) -> list[Json]:
    """Return the point up to which the prompt is cached: none after a document."""
    if cache is None or "document" in block:
        return []
    point = {"type": "default"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return [{"cachePoint": point}]


def call(part: ToolCall) -> Json:
    """Return a call of a tool."""
    arguments = arguments_object(part)
    return {"toolUseId": call_id(part.id), "name": part.name, "input": arguments}


def call_id(id_: str) -> str:
    """Return an id that Bedrock takes, one and the same for a call and its result."""
    return fitting_id(id_, CALL_ID, "tooluse_")
