"""Images, documents and sound, as Bedrock takes them."""

from __future__ import annotations

from typing import Any

import pytest

from airouter.dialects.conversation import Audio, File, Image, Json, Media, Part, Turn, Unsupported
from airouter.dialects.converse import UPSTREAM
from unit.dialects.converse.asking import NOVA, SONNET, asked, body_of, messages_of, result, say

PNG = Image(media=Media(media_type="image/png", data="aGk="))
PDF = File(media=Media(media_type="application/pdf", data="aGk="), name="a.pdf")
NOTE = File(media=Media(media_type="text/plain", text="Buy milk"), name="note.txt")


def content_of(*parts: Part | str, model: str = SONNET) -> list[Json]:
    (message,) = messages_of(say("user", *parts), model=model)
    content: list[Json] = message["content"]
    return content


def document_of(part: File) -> Json:
    document: Json = content_of(part, "Read it.")[0]["document"]
    return document


def refused(*turns: Turn, model: str = SONNET) -> Unsupported:
    with pytest.raises(Unsupported) as raised:
        body_of(asked(*turns), model)
    return raised.value


@pytest.mark.parametrize("format_", ["png", "jpeg", "gif", "webp"])
def test_an_image_is_sent_as_it_was_encoded(format_: str) -> None:
    image = Image(media=Media(media_type=f"image/{format_}", data="aGk="))
    assert content_of(image) == [{"image": {"format": format_, "source": {"bytes": "aGk="}}}]


@pytest.mark.parametrize("format_", ["png", "jpeg", "jpg", "JPG"])
def test_an_image_at_s3_is_left_there(format_: str) -> None:
    image = Image(media=Media(url=f"s3://bucket/a.b/cat.{format_}"))
    (block,) = content_of(image)
    assert block["image"]["source"] == {"s3Location": {"uri": f"s3://bucket/a.b/cat.{format_}"}}
    assert block["image"]["format"] == format_.lower().replace("jpg", "jpeg")


@pytest.mark.parametrize(
    "media",
    [
        Media(media_type="image/tiff", data="aGk="),
        Media(data="aGk="),
        Media(media_type="image/png", file_id="file-1"),
        Media(media_type="image/png", url="https://a.example/cat.png"),
        Media(url="s3://bucket/cat"),
        Media(url="s3://bucket/cat.tiff"),
    ],
)
def test_any_other_image_is_refused_where_it_stands(media: Media) -> None:
    assert refused(say("user", Image(media=media), at="messages[7]")).field == "messages[7]"


@pytest.mark.parametrize(
    ("media_type", "format_"),
    [
        ("application/pdf", "pdf"),
        ("text/csv", "csv"),
        ("text/markdown", "md"),
        ("text/html", "html"),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ],
)
def test_a_document_says_its_format(media_type: str, format_: str) -> None:
    document = document_of(File(media=Media(media_type=media_type, data="aGk=")))
    assert (document["format"], document["source"]) == (format_, {"bytes": "aGk="})


def test_a_document_of_text_stays_text() -> None:
    assert document_of(NOTE) == {"name": "note 1", "format": "txt", "source": {"text": "Buy milk"}}


def test_a_text_of_unknown_kind_is_plain() -> None:
    assert document_of(File(media=Media(text="Buy milk")))["format"] == "txt"


def test_a_document_at_s3_is_left_there() -> None:
    document = document_of(File(media=Media(url="s3://bucket/report.pdf")))
    assert document["source"] == {"s3Location": {"uri": "s3://bucket/report.pdf"}}
    assert document["format"] == "pdf"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b_c.pdf", "a b c 1"),
        ("отчёт.pdf", "document 1"),
        ("My  (old) [file]-2", "My (old) [file]-2 1"),
        (None, "document 1"),
        ("x" * 999, "x" * 150 + " 1"),
    ],
)
def test_a_name_has_only_what_bedrock_takes(name: str | None, expected: str) -> None:
    document = document_of(File(media=Media(media_type="application/pdf", data="aGk="), name=name))
    assert document["name"] == expected


def test_no_two_documents_have_one_name() -> None:
    turns = say("user", PDF, PDF, "Compare."), say("assistant", "Same."), say("user", PDF, "Sure?")
    messages = messages_of(*turns)
    blocks = [block["document"] for m in messages for block in m["content"] if "document" in block]
    assert len({block["name"] for block in blocks}) == 3


def test_a_document_never_comes_without_text() -> None:
    assert content_of(PDF)[1] == {"text": "See the document."}


def test_what_shall_be_known_and_cited_of_a_document_is_said() -> None:
    document = document_of(File(media=PDF.media, context="From 2019.", cited=True))
    assert (document["context"], document["citations"]) == ("From 2019.", {"enabled": True})


@pytest.mark.parametrize(
    "media",
    [
        Media(media_type="application/zip", data="aGk="),
        Media(data="aGk="),
        Media(media_type="application/pdf", file_id="file-1"),
        Media(media_type="application/pdf", url="https://a.example/a.pdf"),
        Media(url="s3://bucket/report"),
    ],
)
def test_any_other_document_is_refused_where_it_stands(media: Media) -> None:
    found = refused(say("user", File(media=media), at="messages[7]"))
    assert found.field == "messages[7]"
    assert "cannot read a file" in found.why


def test_sound_is_heard() -> None:
    audio = Audio(data="aGk=", format="wav")
    assert content_of(audio, model=NOVA) == [
        {"audio": {"format": "wav", "source": {"bytes": "aGk="}}}
    ]


@pytest.mark.parametrize("audio", [Audio(data="aGk=", format="pcm16"), Audio(id="audio_1")])
def test_sound_of_a_strange_format_is_refused(audio: Audio) -> None:
    assert refused(say("user", audio), model=NOVA).field == "messages[1]"


@pytest.mark.parametrize("where", ["turn", "result"])
def test_urls_are_fetched_before_unless_they_are_at_s3(where: str) -> None:
    parts: list[Any] = [
        Image(media=Media(url="https://a.example/cat.png")),
        Image(media=Media(url="s3://bucket/cat.png")),
        PNG,
        File(media=Media(url="http://a.example/a.pdf")),
    ]
    said = say("user", *parts) if where == "turn" else say("user", result("1", *parts))
    assert UPSTREAM.fetches(asked(said)) == [
        "https://a.example/cat.png",
        "http://a.example/a.pdf",
    ]
