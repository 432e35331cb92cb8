"""Images, documents and sound as Bedrock takes them: bytes, or what is at S3.

Source: botocore's service model of `bedrock-runtime`.
"""

from __future__ import annotations

import re

from airouter.dialects.conversation import Audio, File, Json, Media, Turn, Unsupported

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


def document_name(name: str | None) -> str:
    """Return a name without the characters that Bedrock refuses, and without double spaces."""
    stem = (name or "document").rpartition(".")[0] or (name or "document")
    return " ".join(NOT_IN_A_NAME.sub(" ", stem).split())[:150] or "document"


def image(media: Media, turn: Turn) -> Json:
    """Return an image. Raises `Unsupported`."""
    format_ = IMAGE_FORMATS.get(media.media_type or "")
    if stored(media):
        format_ = format_ or IMAGE_FORMATS.get(f"image/{file_suffix(media.url)}")
        source: Json = {"s3Location": {"uri": media.url}}
    else:
        source = {"bytes": media.data}
    if format_ is None or not (media.data or stored(media)):
        raise Unsupported(turn.at, "takes images as png, jpeg, gif and webp only")
    return {"format": format_, "source": source}


def stored(media: Media) -> bool:
    """Return whether media are at S3, where Bedrock can read them."""
    return media.url is not None and media.url.startswith("s3://")


def file_suffix(name: str | None) -> str:
    """Return what comes after the last dot of a name."""
    return (name or "").rpartition(".")[2].lower()


def file_format(part: File, turn: Turn) -> str:
    """Return the format of a document. Raises `Unsupported`."""
    media = part.media
    found = FILE_FORMATS.get(media.media_type or "")
    if found is None and stored(media) and file_suffix(media.url) in FILE_FORMATS.values():
        found = file_suffix(media.url)
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
