"""Azure's class of the official OpenAI SDK against a router."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from support.config import MASTER_KEY
from support.router import RouterProcess

VERSION = "2024-10-21"
HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]


def endpoint_of(router: RouterProcess) -> str:
    return router.base_url.removesuffix("/v1")


@pytest.fixture(params=["azure_endpoint", "azure_deployment", "base_url", "v1"])
def azure(router: RouterProcess, request: pytest.FixtureRequest) -> Iterator[openai.AzureOpenAI]:
    root = endpoint_of(router)
    if request.param == "azure_endpoint":
        client = openai.AzureOpenAI(
            azure_endpoint=root, api_key=MASTER_KEY, api_version=VERSION, max_retries=0
        )
    elif request.param == "azure_deployment":
        client = openai.AzureOpenAI(
            azure_endpoint=root,
            azure_deployment="echo",
            api_key=MASTER_KEY,
            api_version=VERSION,
            max_retries=0,
        )
    else:
        base_url = f"{root}/openai/v1" if request.param == "v1" else router.base_url
        client = openai.AzureOpenAI(
            base_url=base_url, api_key=MASTER_KEY, api_version=VERSION, max_retries=0
        )
    with client:
        yield client


def test_a_chat_is_answered(azure: openai.AzureOpenAI) -> None:
    answer = azure.chat.completions.create(model="echo", messages=HELLO)
    assert answer.choices[0].message.content == "Hello!"


def test_a_chat_streams(azure: openai.AzureOpenAI) -> None:
    with azure.chat.completions.create(model="echo", messages=HELLO, stream=True) as stream:
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(pieces) == "Hello!"


def test_a_response_is_answered_and_streams(azure: openai.AzureOpenAI) -> None:
    assert azure.responses.create(model="echo", input="Hello!").output_text == "Hello!"
    with azure.responses.create(model="echo", input="Hello!", stream=True) as stream:
        assert [event.type for event in stream][-1] == "response.completed"


def test_an_older_completion_and_an_embedding_are_answered(azure: openai.AzureOpenAI) -> None:
    assert azure.completions.create(model="echo", prompt="Hello!").choices[0].text == "Hello!"
    assert azure.embeddings.create(model="echo", input="Hello!").data[0].embedding


def test_models_are_listed(azure: openai.AzureOpenAI) -> None:
    assert "echo" in [model.id for model in azure.models.list()]


def test_the_deployment_is_the_model_whatever_the_body_says(router: RouterProcess) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=endpoint_of(router),
        azure_deployment="echo",
        api_key=MASTER_KEY,
        api_version=VERSION,
    ) as client:
        answer = client.chat.completions.create(model="gpt-of-somebody", messages=HELLO)
    assert answer.model == "echo"


def test_a_wrong_key_is_an_authentication_error(router: RouterProcess) -> None:
    with (
        openai.AzureOpenAI(
            azure_endpoint=endpoint_of(router), api_key="sk-wrong", api_version=VERSION
        ) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model="echo", messages=HELLO)


def test_a_token_of_azure_ad_is_a_key_like_any_other(router: RouterProcess) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=endpoint_of(router), azure_ad_token=MASTER_KEY, api_version=VERSION
    ) as client:
        answer = client.chat.completions.create(model="echo", messages=HELLO)
    assert answer.choices[0].message.content == "Hello!"
