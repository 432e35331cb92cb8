"""Fields of a body that a client may not say a second time in another case.

A provider written in Go takes `Model` for `model`, and the last of the two wins (`encoding/json`,
which compares by Unicode's simple folding: U+017F is an s to it, U+212A a k). What is checked here
as `model` would be overtaken there, so such lookalikes of a field that is checked, set or taken out
do not reach a provider. All other fields may be in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

READ_OR_SET = frozenset(
    {
        "anthropic_version",
        "background",
        "context_management",
        "conversation",
        "input",
        "max_completion_tokens",
        "max_output_tokens",
        "max_tokens",
        "model",
        "n",
        "previous_response_id",
        "store",
        "stream",
        "stream_options",
        "type",
    }
)
"""Top-level fields that decide something in the router, or that it writes itself.

How much an answer may have is what limits and budgets reserve for it.
"""

USUAL = frozenset(
    {
        "frequency_penalty",
        "include",
        "instructions",
        "logit_bias",
        "logprobs",
        "messages",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt",
        "prompt_cache_key",
        "reasoning",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "stop_sequences",
        "system",
        "temperature",
        "text",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user",
    }
)
"""Fields that clients' libraries send: known here only so that most requests are looked at once."""


class ReservedFields:
    """Names of fields, and the question which others a provider could take for them."""

    __slots__ = ("_folded", "_harmless", "_names")

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._folded = frozenset(name.casefold() for name in self._names)
        self._harmless = frozenset(
            name for name in USUAL | self._names if not self._overtakes(name)
        )

    def remove_lookalikes(self, fields: dict[str, Any]) -> None:
        """Take out of an object the fields whose names differ from a reserved one in case alone."""
        if self._harmless.issuperset(fields):
            return
        for name in fields.keys() - self._harmless:
            if self._overtakes(name):
                del fields[name]

    def _overtakes(self, name: str) -> bool:
        return name not in self._names and name.casefold() in self._folded
