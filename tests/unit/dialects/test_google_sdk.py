"""What google-genai itself sends for embeddings and images, beside what we send."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from aiohttp import web
from google.genai import Client, types

from airouter.dialects.embeddings.choice import vertex_codec, vertex_method
from airouter.dialects.embeddings.codec import EmbeddingCodec
from airouter.dialects.embeddings.google import GeminiEmbeddingCodec
from airouter.dialects.embeddings.request import EmbeddingRequest
from airouter.dialects.gemini.images import image_codec
from airouter.dialects.images.request import ImageRequest


class Google:
    """Answers everything with nothing, and remembers how it was asked last."""

    def __init__(self) -> None:
        self.url = ""
        self.method = ""
        self.body: Any = None

    async def answer(self, request: web.Request) -> web.Response:
        self.method = request.path.rpartition(":")[2]
        self.body = await request.json()
        return web.json_response({})

    async def ask(self, verb: Callable[[Client], Callable[..., Any]], **asked: Any) -> None:
        """In a thread: the SDK's asynchronous half warns of itself."""
        options = types.HttpOptions(base_url=self.url)
        with Client(vertexai=asked.pop("vertex"), api_key="k", http_options=options) as client:
            await asyncio.to_thread(verb(client), **asked)


@pytest.fixture
async def google() -> AsyncIterator[Google]:
    service = Google()
    app = web.Application()
    app.router.add_post("/{path:.*}", service.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    service.url = f"http://{host}:{port}"
    yield service
    await runner.cleanup()


def embedding_body(codec: EmbeddingCodec, **asked: Any) -> Any:
    (body,) = codec.render(EmbeddingRequest(inputs=("hello",), **asked))
    return msgspec.json.decode(body)


def image_body(model: str, **asked: Any) -> Any:
    (body,) = image_codec(model).render(ImageRequest(model="m", prompt="a cat", **asked))
    return msgspec.json.decode(body)


async def test_ai_studio_is_asked_for_embeddings_as_its_sdk_asks(google: Google) -> None:
    config = types.EmbedContentConfig(task_type="RETRIEVAL_QUERY", output_dimensionality=256)
    model = "gemini-embedding-001"
    await google.ask(
        lambda client: client.models.embed_content,
        vertex=False,
        model=model,
        contents=["hello"],
        config=config,
    )
    (sent,) = google.body["requests"]
    ours = embedding_body(GeminiEmbeddingCodec(model), input_type="search_query", dimensions=256)
    assert google.method == "batchEmbedContents"
    assert {"requests": [without_role(sent)]} == ours


@pytest.mark.parametrize("model", ["text-embedding-005", "gemini-embedding-2"])
async def test_vertex_is_asked_for_embeddings_as_its_sdk_asks(google: Google, model: str) -> None:
    await google.ask(
        lambda client: client.models.embed_content,
        vertex=True,
        model=model,
        contents=["hello"],
        config=types.EmbedContentConfig(output_dimensionality=256, auto_truncate=False),
    )
    assert google.method == vertex_method(model)
    assert without_role(google.body) == embedding_body(vertex_codec(model), dimensions=256)


def without_role(asked: Any) -> Any:
    """The SDK says that what is embedded comes from a user, which is true of everything."""
    asked.get("content", {}).pop("role", None)
    return asked


@pytest.mark.filterwarnings("ignore:The generate_images method is deprecated")
async def test_imagen_is_asked_as_its_sdk_asks(google: Google) -> None:
    await google.ask(
        lambda client: client.models.generate_images,
        vertex=True,
        model="imagen-4.0-generate-001",
        prompt="a cat",
        config=types.GenerateImagesConfig(
            number_of_images=2,
            aspect_ratio="16:9",
            image_size="2K",
            include_rai_reason=True,
            output_mime_type="image/jpeg",
            output_compression_quality=80,
        ),
    )
    assert google.method == "predict"
    assert google.body == image_body(
        "imagen-4.0-generate-001",
        n=2,
        size="2560x1440",
        output_format="jpeg",
        output_compression=80,
    )


@pytest.mark.parametrize("vertex", [False, True])
async def test_gemini_is_asked_for_images_as_its_sdk_asks(google: Google, vertex: bool) -> None:
    await google.ask(
        lambda client: client.models.generate_content,
        vertex=vertex,
        model="gemini-3-pro-image",
        contents="a cat",
        config=types.GenerateContentConfig(
            response_modalities=["TEXT", "IMAGE"],
            image_config=types.ImageConfig(aspect_ratio="2:3", image_size="2K"),
        ),
    )
    assert google.method == "generateContent"
    assert google.body == image_body("gemini-3-pro-image", size="1696x2544")
