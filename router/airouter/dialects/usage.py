"""What a request cost, in tokens, read from an OpenAI-shaped body from the side."""

from __future__ import annotations

import msgspec


class PromptDetails(msgspec.Struct):
    """A part of the prompt that came from the provider's cache."""

    cached_tokens: int | None = None


class CompletionDetails(msgspec.Struct):
    """A part of the answer that the client does not see."""

    reasoning_tokens: int | None = None


class Usage(msgspec.Struct):
    """Tokens, as chat completions count them: the cached and the reasoning ones are included."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    @property
    def cached_tokens(self) -> int:
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0

    @property
    def reasoning_tokens(self) -> int:
        details = self.completion_tokens_details
        return (details and details.reasoning_tokens) or 0


class Body(msgspec.Struct):
    """Any body with usage in it."""

    usage: Usage | None = None


_body = msgspec.json.Decoder(Body)


def usage_of(body: bytes) -> Usage | None:
    """The usage in a body; None when there is none that can be read."""
    try:
        return _body.decode(body).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
