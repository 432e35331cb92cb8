"""The matrix as a page for people: `python -m contract.matrix.table`, or `make crossings`."""

from __future__ import annotations

from pathlib import Path

from contract.matrix.features import FEATURES, UPSTREAMS, Feature, named, passes_through

PAGE = Path(__file__).parents[3] / "docs" / "crossings.md"
HEAD = """\
# What survives which crossing

A client speaks chat completions (OpenAI) or messages (Anthropic); behind the router is any provider. This page says, for each
feature, what becomes of it. It is made from the tests (`make crossings`), and each cell is one of them: whole and streamed, by the official SDK,
against a stand-in that refuses what the real provider refuses.

* **works**: the provider is asked for it in its own words, and the client hears it in its own.
* **passes**: both sides speak the same dialect; the provider itself answers.
* **refused (`field`)**: the provider cannot do it. The client gets a 400 that names the field and the model, and nothing is
  sent, unless the model's `parameters.drop` names the field.

OpenAI stands here for `OpenAI`, `AzureOpenAI`, `OpenAICompatible` and `Router`, with a model that does not reason (gpt-4o); Claude is Sonnet 4.5,
Gemini is 3 Pro, Bedrock runs Claude Sonnet 4.5 by Converse.
"""
TAIL = """\

## What is not in the table

* **Hints** change nothing of an answer's meaning. They are passed on where the provider has a word for them, and left out where
  not: `user`, `safety_identifier`, `metadata`, `service_tier`, `store`, `prompt_cache_key`, `prompt_cache_options`,
  `prompt_cache_retention`, `prediction`, `stream_options.include_obfuscation`, and `cache_control` where a provider caches by itself.
* **Effort** is told in the nearest word or budget that a model has; a budget of tokens where a model knows only words, too.
* **Reasoning of another model** is left out of a request: no provider takes back what it did not sign. Gemini 3 is told so by its own word for that.
* **Images and files by URL** go as URLs where the provider fetches them (OpenAI's images, Claude); else the router fetches them: https and public addresses only,
  20 MiB, 10 s, 3 redirects. `AIROUTER_FETCH_ALLOWED_HOSTS` names hosts of your own.
* **Signatures** travel in the ids of tool calls (chat) and in thinking blocks (messages), so that they come back from every client.
* **`/v1/messages/count_tokens`** asks the provider's own counter; providers without one get an estimate, marked by the header
  `x-airouter-estimated: true`.
* **`/v1/embeddings`** works with OpenAI, Azure, Gemini, Vertex AI, and Titan and Cohere at Bedrock; `input_type` (`search_document`, `search_query`,
  `classification`, `clustering`) is taken beside OpenAI's fields. Arrays of tokens are for OpenAI alone.
* **`/v1/images/generations`** works with OpenAI and Azure, with Gemini's image models and with Imagen.
"""


def cell(feature: Feature, client: str, upstream: str) -> str:
    """What becomes of a feature on one crossing."""
    if getattr(feature, client) is None:
        return "-"
    if passes_through(client, upstream):
        return "passes"
    field = named(client, feature.refused.get(upstream))
    return f"refused (`{field}`)" if field else "works"


def table(client: str) -> str:
    """All features for one kind of client."""
    lines = [
        "| feature | " + " | ".join(UPSTREAMS) + " |",
        "|---|" + "---|" * len(UPSTREAMS),
    ]
    for feature in FEATURES:
        if getattr(feature, client) is not None:
            cells = [cell(feature, client, upstream) for upstream in UPSTREAMS]
            lines.append(f"| {feature.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    chat = f"\n## Clients of chat completions\n\n{table('chat')}\n"
    messages = f"\n## Clients of messages\n\n{table('messages')}\n"
    return HEAD + chat + messages + TAIL


if __name__ == "__main__":
    PAGE.write_text(page())
