"""The way of each field to each provider, as a page: `make translations`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from airouter.config.snapshot import Parameters
from airouter.dialects.chat.upstream import COMPATIBLE, OPENAI
from airouter.dialects.client_request import Edits, parse_client_request
from airouter.dialects.conversation import Destination
from airouter.dialects.converse.upstream import CONVERSE
from airouter.dialects.gemini.upstream import GEMINI
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.translation.choice import translation_for
from airouter.dialects.translation.client_apis import ServedModel
from airouter.dialects.upstream_api import UpstreamApi
from airouter.failures import Failure
from contract.matrix.fields import APIS, ROUTERS, Field, Json

PAGE = Path(__file__).parents[3] / "docs" / "crossings.md"
TEMPLATE = Path(__file__).with_name("crossings.md")
UPSTREAMS: dict[str, tuple[UpstreamApi, str]] = {
    "OpenAI": (OPENAI, "gpt-4o"),
    "compatible": (COMPATIBLE, "qwen3-32b"),
    "Claude": (MESSAGES, "claude-opus-4-5"),
    "Gemini": (GEMINI, "gemini-3-pro-preview"),
    "Bedrock": (CONVERSE, "us.anthropic.claude-opus-4-5-20251101-v1:0"),
}
CONTAINERS = frozenset(
    {
        "additionalModelRequestFields",
        "generationConfig",
        "inferenceConfig",
        "outputConfig",
        "output_config",
    }
)
"""Fields of providers that hold others."""
LEFT_OUT, REFUSED = "left out", "refused"


def sent(api: str, to: str, body: Json) -> Json:
    """The body that a provider gets for a client's. Raises `Failure`."""
    upstream, model = UPSTREAMS[to]
    destination = Destination(model=model, maker=f"{to}/key/{model}")
    served = ServedModel("m", destination, Edits(Parameters()), envelope={})
    request = parse_client_request(msgspec.json.encode(body))
    (found,) = translation_for(api, upstream, served).encode(request)
    told: Json = msgspec.json.decode(found)
    return told


def fate(api: str, field: Field, to: str) -> str:
    """What becomes of a field on the way to a provider."""
    least = APIS[api][0] | field.beside
    try:
        after = sent(api, to, least | {field.name: field.value})
    except Failure:
        return REFUSED
    changed = list(changes(sent(api, to, least), after))
    if not changed:
        return "router" if field.why.startswith(ROUTERS) else LEFT_OUT
    return "as it is" if changed == [field.name] else ", ".join(f"`{each}`" for each in changed)


def changes(before: Json, after: Json) -> list[str]:
    """The fields that a provider is asked with, where they were not or another value was."""
    found = []
    for name, value in after.items():
        if name in CONTAINERS:
            inner = changes(before.get(name, {}), value)
            found += [f"{name}.{each}" for each in inner]
        elif before.get(name) != value:
            found.append(name)
    return found


def row(api: str, field: Field) -> str:
    """One field on all ways."""
    fates = [fate(api, field, to) for to in UPSTREAMS]
    kept = not {LEFT_OUT, REFUSED, "router"} & set(fates)
    return f"| `{field.name}` | " + " | ".join(fates) + f" | {'' if kept else field.why} |"


def fields_table(api: str) -> str:
    """All fields of one API."""
    head = ["| field | " + " | ".join(UPSTREAMS) + " | why not |", "|---|" + "---|" * 6]
    return "\n".join([*head, *(row(api, field) for field in APIS[api][1])])


def crossings() -> str:
    """The whole page."""
    tables: dict[str, Any] = {api: fields_table(api) for api in APIS}
    return TEMPLATE.read_text().format(**tables)
