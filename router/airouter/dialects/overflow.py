"""A prompt that is too long, in the words of every provider; clients know OpenAI's code for it.

The code decides whether a larger model is asked (`fallbackOn`), and whether a client compacts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.failures import Failure

TOO_LONG = re.compile(
    # OpenAI, Azure, DeepSeek, Mistral, OpenRouter, SGLang, vLLM; xAI
    r"maximum (?:context|prompt|model) length"
    # Anthropic, Ollama, OpenAI's Responses, llama.cpp
    r"|exceed(?:s|ed)? (?:the |max |available |model(?:'?s)? |maximum )*context"
    r"|context (?:length|window|size|limit)\b.{0,200}(?:exceed|too)"
    # SGLang, vLLM
    r"|longer than the model'?s context|context length (?:is|of) only"
    # Anthropic, Bedrock, Ollama
    r"|(?:input|prompt) (?:is )?too long|too many input tokens|input tokens? exceed"
    # Gemini, Vertex
    r"|input token count .{0,200}(?:exceeds the maximum|supports up to)"
    # Moonshot, Z.ai, Qwen, GitHub's Copilot
    r"|prompt exceed(?:s|ed)? max length"
    r"|exceed(?:s|ed)? (?:model token limit|the maximum allowed input length)"
    r"|tokens in request more than max tokens allowed|range of input length should be"
    r"|prompt token count of \d+ exceeds the limit"
    # TGI and those built on it; Cohere; Groq
    r"|`inputs` (?:must have less than|tokens \+ `max_new_tokens`)"
    r"|too many tokens: .{0,200}cannot exceed|reduce the length of the messages or completion",
    re.IGNORECASE,
)
STATUSES = frozenset({400, 413, 422, 500})
"""What servers send it with: those that find out late call it a fault of their own."""
CODE = "context_length_exceeded"


def name_overflow(failure: Failure) -> Failure:
    """Give a failure for a prompt that is too long OpenAI's status, type and code."""
    if failure.status in STATUSES and TOO_LONG.search(failure.message[:LOOKED_AT]):
        failure.status, failure.type, failure.code = 400, "invalid_request_error", CODE
    return failure


LOOKED_AT = 4_000
"""Characters of a message."""
