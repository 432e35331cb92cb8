"""From turns to the messages of a Converse request.

Source: botocore's service model of `bedrock-runtime`; the order rules are what the service refuses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airouter.dialects.conversation import (
    Audio,
    CachePoint,
    File,
    Image,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Unsupported,
)
from airouter.dialects.functions import arguments_of, fitting_id
from airouter.dialects.provenance import is_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json, Media, Part, Turn
    from airouter.dialects.converse.models import Traits

TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9\s()\[\]-]+")
IMAGE_FORMATS = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
}
FILE_FORMATS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
AUDIO_FORMATS = frozenset(
    "mp3 opus wav aac flac mp4 ogg mkv mka x-aac m4a mpeg mpga pcm webm".split()  # noqa: SIM905
)
NOTHING = "(no output)"
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
        for turn in turns:
            content = self._content(turn)
            if not content:
                continue  # so that its neighbours meet
            if not messages and turn.role == "assistant" and not self._traits.assistant_first:
                raise Unsupported(turn.at, "needs the user to speak first")
            if messages and messages[-1]["role"] == turn.role:
                content = messages.pop()["content"] + content
            if self._traits.results_alone:
                check_alone(content, turn)
            messages.append({"role": turn.role, "content": content})
        return messages

    def _content(self, turn: Turn) -> list[Json]:
        blocks: list[Json] = []
        for part in turn.parts:
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
            case Text():
                return {"text": part.text} if part.text.strip() else None
            case Image():
                return {"image": image(part.media, turn)}
            case File():
                return {"document": self._document(part, turn)}
            case Audio(data=str()) if self._traits.claude is None:  # which hears nothing
                return {"audio": audio(part, turn)}
            case Reasoning():
                return self._reasoning(part)
            case ToolCall():
                return {"toolUse": call(part, turn)}
            case ToolResult():
                return {"toolResult": self._result(part, turn)}
            case Refusal():
                return {"text": part.text} if part.text.strip() else None
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
        for each in part.parts:
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
        for part in turn.parts:
            if isinstance(part, Text) and part.text.strip():
                blocks.append({"text": part.text})
                blocks.extend(cache_point(part.cache if traits.caches else None, blocks[-1]))
    return blocks


def kinds_of(blocks: Sequence[Json]) -> set[str]:
    """Return the kinds of blocks: each is named by its only key."""
    return {next(iter(block)) for block in blocks}


def check_alone(content: Sequence[Json], turn: Turn) -> None:
    """Check that nothing stands beside the results of tools. Raises `Unsupported`."""
    kinds = kinds_of(content)
    if "toolResult" in kinds and kinds != {"toolResult"}:
        raise Unsupported(turn.at, "takes nothing beside the results of tools")


def document_name(name: str | None) -> str:
    """Return a name without the characters that Bedrock refuses, and without double spaces."""
    stem = (name or "document").rpartition(".")[0] or (name or "document")
    return " ".join(NOT_IN_A_NAME.sub(" ", stem).split())[:150] or "document"


def cache_point(cache: CachePoint | None, block: Json) -> list[Json]:
    """Return the point up to which the prompt is cached: none after a document."""
    if cache is None or "document" in block:
        return []
    point = {"type": "default"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return [{"cachePoint": point}]


def image(media: Media, turn: Turn) -> Json:
    """Return an image. Raises `Unsupported`."""
    format_ = IMAGE_FORMATS.get(media.media_type or "")
    if stored(media):
        format_ = format_ or IMAGE_FORMATS.get(f"image/{suffix_of(media.url)}")
        source: Json = {"s3Location": {"uri": media.url}}
    else:
        source = {"bytes": media.data}
    if format_ is None or not (media.data or stored(media)):
        raise Unsupported(turn.at, "takes images as png, jpeg, gif and webp only")
    return {"format": format_, "source": source}


def stored(media: Media) -> bool:
    """Return whether media are at S3, where Bedrock can read them."""
    return media.url is not None and media.url.startswith("s3://")


def suffix_of(name: str | None) -> str:
    """Return what comes after the last dot of a name."""
    return (name or "").rpartition(".")[2].lower()


def file_format(part: File, turn: Turn) -> str:
    """Return the format of a document. Raises `Unsupported`."""
    media = part.media
    found = FILE_FORMATS.get(media.media_type or "")
    if found is None and stored(media) and suffix_of(media.url) in FILE_FORMATS.values():
        found = suffix_of(media.url)
    if found is None and media.text is not None:
        found = "txt"
    if found is None or not (media.data or media.text or stored(media)):
        raise Unsupported(turn.at, f"cannot read a file of type {media.media_type or 'unknown'}")
    return found


def file_source(media: Media) -> Json:
    """Return the content of a document."""
    if media.text is not None:
        return {"text": media.text}
    return {"s3Location": {"uri": media.url}} if stored(media) else {"bytes": media.data}


def audio(part: Audio, turn: Turn) -> Json:
    """Return sound. Raises `Unsupported`."""
    if part.format not in AUDIO_FORMATS:
        raise Unsupported(turn.at, f"cannot hear {part.format or 'sound of unknown format'}")
    return {"format": part.format, "source": {"bytes": part.data}}


def call(part: ToolCall, turn: Turn) -> Json:
    """Return a call of a tool. Raises `Failure` 400 for arguments that are no object."""
    arguments = arguments_of(part, turn)
    check_name(part.name, turn.at)
    return {"toolUseId": call_id(part.id), "name": part.name, "input": arguments}


def check_name(name: str, field: str) -> None:
    """Check that a tool may have a name. Raises `Unsupported`."""
    if not TOOL_NAME.fullmatch(name):
        raise Unsupported(field, f"takes no tool of the name '{name[:64]}'")


def call_id(id_: str) -> str:
    """Return an id that Bedrock takes, one and the same for a call and its result."""
    return fitting_id(id_, CALL_ID, "tooluse_")
