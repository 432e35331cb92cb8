"""What clients get from `/v1/images/generations`, as the official SDK reads it."""

from __future__ import annotations

from openai.types import ImagesResponse

from airouter.dialects.conversation import Usage
from airouter.dialects.images.response import ImageResult, Picture, render_response

DRAWN = (Picture(data="AAAA", media_type="image/jpeg", revised_prompt="a fat cat"),)


def rendered(result: ImageResult) -> ImagesResponse:
    return ImagesResponse.model_validate_json(render_response(result))


def test_images_come_as_they_were_drawn() -> None:
    answer = rendered(ImageResult(pictures=(*DRAWN, Picture(data="BBBB"))))
    data = answer.data or []
    assert [datum.b64_json for datum in data] == ["AAAA", "BBBB"]
    assert [datum.revised_prompt for datum in data] == ["a fat cat", None]
    assert answer.output_format == "jpeg"
    assert answer.created > 1_700_000_000


def test_what_it_cost_is_added_up() -> None:
    usage = rendered(
        ImageResult(pictures=DRAWN, usage=Usage(input_tokens=3, output_tokens=9))
    ).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (3, 9, 12)
    assert usage.input_tokens_details.text_tokens == 3


def test_what_nobody_counted_is_not_told() -> None:
    assert rendered(ImageResult(pictures=DRAWN)).usage is None
