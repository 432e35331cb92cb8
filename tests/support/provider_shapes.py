"""What the providers' own types say of a request body, beside what the router makes of it.

OpenAI and Anthropic: JSON Schemas of the SDKs' typed dictionaries, with every object closed.
Google: google-genai's models, which forbid unknown fields. Bedrock: botocore's service model.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import anthropic.types as anthropic_types
import google.genai.types as google_types
import jsonschema
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.alias_generators import to_camel

from support.converse_shapes import problems as converse_problems

Body = dict[str, Any]


class GenerateContent(BaseModel):
    """The body of `generateContent`."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel)

    contents: list[google_types.Content]
    system_instruction: google_types.Content | None = None
    generation_config: google_types.GenerationConfig | None = None
    tools: list[google_types.Tool] | None = None
    tool_config: google_types.ToolConfig | None = None
    safety_settings: list[google_types.SafetySetting] | None = None
    cached_content: str | None = None
    labels: dict[str, str] | None = None


def closed(schema: Any) -> Any:
    """A schema whose objects take no fields but their own."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(value) for key, value in schema.items()}
    if "properties" in found and isinstance(found["properties"], dict):
        found.setdefault("additionalProperties", False)
    return found


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    """The schema of a body."""
    types: dict[str, Any] = {
        "messages": anthropic_types.message_create_params.MessageCreateParamsStreaming,
        "openai": CompletionCreateParamsStreaming,
    }
    return jsonschema.Draft202012Validator(closed(TypeAdapter(types[name]).json_schema()))


SAMPLING = ("temperature", "top_p", "top_k")
"""No longer in the SDK's types, and still in the API of 2023-06-01."""


def problems(speech: str, body: Body) -> list[str]:
    """What the provider's types have against a body."""
    if speech in {"gemini", "vertex"}:
        GenerateContent.model_validate(body)
        return []
    if speech == "converse":
        return converse_problems("Converse", body)
    checked = {"stream": True, **body}
    if speech == "messages":
        checked = {name: value for name, value in checked.items() if name not in SAMPLING}
    return [
        f"{error.json_path}: {error.message[:200]}"
        for error in validator(speech).iter_errors(checked)
    ]
