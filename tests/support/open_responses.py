"""What Open Responses says of an answer, of an event, and of an error in a session.

OpenAI's own SDK takes more than that schema does, and less: where both know a thing, ours has to
please both.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import relevance

SCHEMA: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
ANSWERS = {"response": "ResponseResource", "response.compaction": "CompactResource"}
EVENTS: dict[str, str] = {
    schema["properties"]["type"]["enum"][0]: name
    for name, schema in SCHEMA["$defs"].items()
    if name.endswith("StreamingEvent")
}


def deviations(body: dict[str, Any]) -> list[str]:
    """What is wrong with an answer or an event. One that only OpenAI has is never wrong."""
    name = name_of(body)
    if name is None:
        return []
    errors = sorted(validator(name).iter_errors(body), key=relevance)
    return [f"{error.json_path}: {error.message}" for error in errors]


def name_of(body: dict[str, Any]) -> str | None:
    """The schema that is about it."""
    if "object" in body:
        return ANSWERS.get(body["object"])
    if body["type"] == "error" and "status" in body:
        return "WebSocketErrorEvent"
    return EVENTS.get(body["type"])


@cache
def validator(name: str) -> Draft202012Validator:
    """For one of the schema's definitions."""
    return Draft202012Validator({**SCHEMA, "$ref": f"#/$defs/{name}"})
