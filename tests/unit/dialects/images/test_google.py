"""Images by Google's models: what those are sent, and how their answers are read."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from airouter.dialects.conversation import Unsupported, Usage
from airouter.dialects.gemini.images import GeminiImageCodec, image_codec
from airouter.dialects.images.codec import ImageCodec
from airouter.dialects.images.imagen import ImagenCodec
from airouter.dialects.images.request import ImageRequest
from airouter.dialects.images.response import ImageResult, Picture
from airouter.failures import Failure
from airouter.interfaces import BrokenReply

GEMINI = "gemini-3-pro-image"
GEMINI_2 = "gemini-2.5-flash-image"
IMAGEN = "imagen-4.0-generate-001"
IMAGEN_3 = "imagen-3.0-generate-002"
EITHER = pytest.mark.parametrize("model", [GEMINI, IMAGEN])


def bodies(model: str, **asked: Any) -> list[Any]:
    request = ImageRequest(prompt="a cat", model="m", **asked)
    return [msgspec.json.decode(body) for body in image_codec(model).render(request)]


def refused_field(model: str, **asked: Any) -> str:
    with pytest.raises(Unsupported) as caught:
        bodies(model, **asked)
    return caught.value.field


def parsed(model: str, *answers: Any) -> ImageResult:
    return image_codec(model).parse([msgspec.json.encode(answer) for answer in answers])


def declined(model: str, *answers: Any) -> str:
    with pytest.raises(Failure) as caught:
        parsed(model, *answers)
    assert (caught.value.status, caught.value.code) == (400, "content_policy_violation")
    return caught.value.message


def drawn(data: str, **fields: Any) -> Any:
    """An answer of Gemini with an image."""
    parts = [{"text": "Here it is."}, {"inlineData": {"mimeType": "image/png", "data": data}}]
    return {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], **fields}


def counted(prompt: int, made: int, thought: int | None = None) -> Any:
    thoughts = {} if thought is None else {"thoughtsTokenCount": thought}
    return {"promptTokenCount": prompt, "candidatesTokenCount": made, **thoughts}


@pytest.mark.parametrize(
    ("model", "codec"),
    [
        (GEMINI, GeminiImageCodec),
        (GEMINI_2, GeminiImageCodec),
        (IMAGEN, ImagenCodec),
        ("models/imagen-4.0-fast-generate-001", ImagenCodec),
    ],
)
def test_the_name_of_a_model_says_how_it_is_asked(model: str, codec: type[ImageCodec]) -> None:
    assert type(image_codec(model)) is codec


def test_gemini_is_asked_once_for_every_image() -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
        "generationConfig": {
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "3:2"},
        },
    }
    assert bodies(GEMINI, n=3, size="1536x1024") == [body] * 3


def test_imagen_is_asked_for_four_images_at_a_time() -> None:
    sent = bodies(IMAGEN, n=10, size="1792x1024")
    assert [body["parameters"]["sampleCount"] for body in sent] == [4, 4, 2]
    assert sent[0] == {
        "instances": [{"prompt": "a cat"}],
        "parameters": {"sampleCount": 4, "aspectRatio": "16:9", "includeRaiReason": True},
    }


@pytest.mark.parametrize("size", [None, "auto"])
def test_a_size_that_nobody_chose_is_left_to_the_model(size: str | None) -> None:
    (gemini,), (imagen,) = bodies(GEMINI, size=size), bodies(IMAGEN, size=size)
    assert "imageConfig" not in gemini["generationConfig"]
    assert "aspectRatio" not in imagen["parameters"]


def test_large_images_are_asked_for_where_they_are_drawn() -> None:
    (gemini,), (imagen,) = bodies(GEMINI, size="3840x2160"), bodies(IMAGEN, size="2048x2048")
    assert gemini["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9", "imageSize": "4K"}
    assert imagen["parameters"]["sampleImageSize"] == "2K"


@pytest.mark.parametrize(
    ("model", "size"),
    [
        (GEMINI, "1000x300"),
        (GEMINI, "large"),
        (GEMINI_2, "2048x2048"),
        (IMAGEN, "1536x1024"),
        (IMAGEN, "3840x2160"),
        (IMAGEN_3, "2048x2048"),
    ],
)
def test_a_size_that_a_model_does_not_draw_is_refused(model: str, size: str) -> None:
    assert refused_field(model, size=size) == "size"


@EITHER
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stream", True),
        ("partial_images", 1),
        ("response_format", "url"),
        ("quality", "high"),
        ("quality", "hd"),
        ("style", "natural"),
        ("background", "transparent"),
        ("moderation", "low"),
        ("output_format", "webp"),
        ("output_compression", 50),
    ],
)
def test_what_google_cannot_do_is_refused_by_name(model: str, field: str, value: Any) -> None:
    assert refused_field(model, **{field: value}) == field


@EITHER
def test_what_asks_for_nothing_is_left_out(model: str) -> None:
    plain = bodies(
        model,
        quality="standard",
        background="opaque",
        moderation="auto",
        response_format="b64_json",
        stream=False,
        partial_images=0,
        user="somebody",
        safety_identifier="hash",
    )
    assert plain == bodies(model, quality="auto") == bodies(model)


def test_imagen_compresses_only_what_it_draws_as_jpeg() -> None:
    (body,) = bodies(IMAGEN, output_format="jpeg", output_compression=80)
    options = body["parameters"]["outputOptions"]
    assert options == {"mimeType": "image/jpeg", "compressionQuality": 80}
    assert refused_field(IMAGEN, output_format="png", output_compression=80) == "output_compression"


def test_images_of_gemini_come_in_order_and_their_costs_are_added_up() -> None:
    answers = [
        drawn("AAAA", usageMetadata=counted(5, 100, 7)),
        drawn("BBBB", usageMetadata=counted(5, 100)),
    ]
    assert parsed(GEMINI, *answers) == ImageResult(
        pictures=(Picture(data="AAAA"), Picture(data="BBBB")),
        usage=Usage(input_tokens=10, output_tokens=207, reasoning_tokens=7),
    )


def test_a_cost_that_is_known_in_part_is_not_known() -> None:
    answers = [drawn("AAAA", usageMetadata=counted(5, 100)), drawn("BBBB")]
    assert parsed(GEMINI, *answers).usage is None


def test_a_draft_is_not_the_image() -> None:
    draft = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": True}
    answer = drawn("BBBB")
    answer["candidates"][0]["content"]["parts"].insert(0, draft)
    assert [picture.data for picture in parsed(GEMINI, answer).pictures] == ["BBBB"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, "IMAGE_SAFETY"),
        ({"candidates": [{"content": {}, "finishReason": "NO_IMAGE"}]}, "NO_IMAGE"),
        ({"candidates": [{"content": {"parts": [{"text": "No."}]}}]}, "no reason"),
        ({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}, "PROHIBITED_CONTENT"),
        ({}, "no reason"),
    ],
)
def test_a_prompt_that_gemini_draws_nothing_for_is_refused_with_its_reason(
    answer: Any, reason: str
) -> None:
    assert reason in declined(GEMINI, answer)
    assert reason in declined(GEMINI, drawn("AAAA"), answer)


def test_images_of_imagen_come_in_order_over_several_calls() -> None:
    answers = [
        {"predictions": [{"bytesBase64Encoded": "AAAA", "mimeType": "image/jpeg", "prompt": "p"}]},
        {"predictions": [{"bytesBase64Encoded": "BBBB", "mimeType": "image/jpeg"}]},
    ]
    assert parsed(IMAGEN, *answers) == ImageResult(
        pictures=(
            Picture(data="AAAA", media_type="image/jpeg", revised_prompt="p"),
            Picture(data="BBBB", media_type="image/jpeg"),
        )
    )


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"predictions": [{"raiFilteredReason": "Code 58061214."}]}, "Code 58061214."),
        (
            {"predictions": [{"bytesBase64Encoded": "AAAA"}, {"raiFilteredReason": "Code 1."}]},
            "Code 1.",
        ),
        ({}, "no reason"),
    ],
)
def test_an_image_that_imagen_filtered_is_told_and_not_left_out(answer: Any, reason: str) -> None:
    assert reason in declined(IMAGEN, answer)


@EITHER
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"candidates":7,"predictions":7}',
        b'{"candidates":"\xff","predictions":"\xff"}',
    ],
)
def test_an_answer_that_is_none_is_the_upstreams_fault(model: str, body: bytes) -> None:
    with pytest.raises(BrokenReply):
        image_codec(model).parse([body])
