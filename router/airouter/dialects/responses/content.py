"""The parts of a message of Responses, and of a result, as msgspec checks them.

`parse_items.py` tells them apart: one of an unknown type is read for its text, if it has any.
"""

from __future__ import annotations

from typing import get_args

import msgspec


class InputText(msgspec.Struct, tag_field="type", tag="input_text"):
    """Text of a user or an application."""

    text: str


class OutputText(msgspec.Struct, tag_field="type", tag="output_text"):
    """Text of the model; its citations come back with it."""

    text: str


class PlainText(msgspec.Struct, tag_field="type", tag="text"):
    """Text, as some clients write it."""

    text: str


class RefusalPart(msgspec.Struct, tag_field="type", tag="refusal"):
    """A refusal of the model."""

    refusal: str


class InputImage(msgspec.Struct, tag_field="type", tag="input_image"):
    """An image by its URL or its id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class InputFile(msgspec.Struct, tag_field="type", tag="input_file"):
    """A file by its content, its URL or its id."""

    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None


class AudioData(msgspec.Struct):
    """Sound as base64."""

    data: str
    format: str


class InputAudio(msgspec.Struct, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: AudioData


class EncryptedContent(msgspec.Struct, tag_field="type", tag="encrypted_content"):
    """Words of one agent of Codex to another; those of OpenAI's own models nobody else can read."""

    encrypted_content: str


Content = (
    InputText
    | OutputText
    | PlainText
    | RefusalPart
    | InputImage
    | InputFile
    | InputAudio
    | EncryptedContent
)
TYPES = frozenset(kind.__struct_config__.tag for kind in get_args(Content))
"""The types that are known."""
