"""A prompt that is too long, as each provider says it."""

from __future__ import annotations

import pytest

from airouter.dialects.overflow import name_overflow
from airouter.failures import Failure

SAID = {
    "OpenAI": "This model's maximum context length is 8192 tokens. However, your messages "
    "resulted in 9000 tokens.",
    "OpenAI, Responses": "Your input exceeds the context window of this model. Please adjust "
    "your input and try again.",
    "Azure": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted "
    "in 300000 tokens.",
    "vLLM": "You passed 5000 input tokens and requested 100 output tokens. However, the model's "
    "context length is only 4096 tokens.",
    "vLLM, engine": "The decoder prompt (length 5000) is longer than the maximum model length of "
    "4096.",
    "SGLang": "The input (5000 tokens) is longer than the model's context length (4096 tokens).",
    "SGLang, total": "Requested token count exceeds the model's maximum context length of 4096.",
    "llama.cpp": "request (5000 tokens) exceeds the available context size (4096 tokens), try "
    "increasing it",
    "Ollama": "prompt too long; exceeded max context length by 123 tokens",
    "Ollama, embeddings": "the input length exceeds the context length",
    "Anthropic": "prompt is too long: 210000 tokens > 200000 maximum",
    "Anthropic, output": "input length and `max_tokens` exceed context limit: 190000 + 20000 > "
    "200000, decrease input length or `max_tokens` and try again",
    "Gemini": "The input token count (1500000) exceeds the maximum number of tokens allowed "
    "(1048576).",
    "Vertex": "Unable to submit request because the input token count is 200000 but model only "
    "supports up to 131072.",
    "Bedrock": "Input is too long for requested model.",
    "Bedrock, Titan": "Too many input tokens. Max input tokens: 8192, request input token count: "
    "9000",
    "Mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
    "maximum context length",
    "DeepSeek": "This model's maximum context length is 65536 tokens. However, you requested "
    "70000 tokens.",
    "OpenRouter": "This endpoint's maximum context length is 128000 tokens. However, you "
    "requested about 150000 tokens.",
    "Moonshot": "Invalid request: Your request exceeded model token limit: 262144 (requested: "
    "269030)",
    "Z.ai": "Prompt exceeds max length",
    "Z.ai, coding": "tokens in request more than max tokens allowed",
    "Z.ai, behind a gateway": "Input length 877338 exceeds the maximum allowed input length of "
    "639968 tokens",
    "Qwen": "Range of input length should be [1, 98304]",
    "Copilot": "prompt token count of 130000 exceeds the limit of 128000",
    "Together": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. "
    "Given: 5000 `inputs` tokens and 512 `max_new_tokens`",
    "TGI": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000",
    "Cohere": "too many tokens: total number of tokens in the prompt cannot exceed 128000 - "
    "received 200000.",
    "Groq": "Please reduce the length of the messages or completion.",
    "LM Studio": "Trying to keep the first 5000 tokens when context the overflows. However, the "
    "model is loaded with context length of only 4096 tokens, which is not enough.",
    "MiniMax": "invalid params, context window exceeds limit (2013)",
    "a server of open models": "input tokens (5000) + max_tokens (600) exceeds model context "
    "window (4096)",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 200000 tokens.",
}


@pytest.mark.parametrize("message", SAID.values(), ids=SAID.keys())
@pytest.mark.parametrize("status", [400, 413, 500])
def test_it_has_openais_code_whoever_says_it(message: str, status: int) -> None:
    found = name_overflow(Failure(status, message, type="server_error", code="odd"))
    assert (found.status, found.code) == (400, "context_length_exceeded")
    assert found.type == "invalid_request_error"


@pytest.mark.parametrize(
    "message",
    [
        "Invalid value for the context window.",
        "max_tokens must be at most 4096.",
        "Request too large for gpt-5 on tokens per min (TPM): Limit 30000, Requested 40000.",
        "Rate limit exceeded.",
        "tools[0].function.name exceeds max length 64",
        "Request too large for model `m` in organization `o` service tier `on_demand` on tokens "
        "per minute (TPM): Limit 10000, Requested 15088, please reduce your message size.",
    ],
)
def test_nothing_else_has_it(message: str) -> None:
    assert name_overflow(Failure(400, message, code="odd")).code == "odd"


def test_a_rate_limit_is_one_whatever_it_says() -> None:
    assert name_overflow(Failure(429, SAID["Bedrock, Titan"], code="odd")).code == "odd"
