"""One conversation in a neutral form: every dialect is parsed to it and rendered from it.

A `Conversation` is a client's request, an `Answer` is a model's reply, and the `Event`s of
`events.py` are an answer as it comes. All is immutable. JSON that only passes through (schemas,
extensions) stays as msgspec decoded it; base64 stays text, so images are never decoded.

A field that a dialect does not have is absent (None, or an empty tuple), never a default: renderers
tell what was asked for from what was not.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Json = dict[str, Any]
"""A decoded JSON object that passes through."""

Role = Literal["system", "developer", "user", "assistant"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Stop = Literal[
    "end",  # the model had no more to say
    "stop_sequence",
    "length",  # the ceiling of output tokens
    "context_window",
    "tool_calls",
    "refusal",  # the model declined
    "content_filter",  # the provider cut it
    "pause",  # the provider wants to be called again with what it said so far
]


class Piece(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of every struct of a conversation."""


class Unsupported(Exception):  # it is an answer, not a fault
    """A conversation asks for something that a destination cannot do.

    `field` is an attribute of `Conversation`, of its `Sampling` or its `Hints` (such as `seed`),
    or the client's own path of a turn (`Turn.at`); `why` reads on after "The model 'x' ...", such
    as "cannot return log probabilities".
    """

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field
        self.why = why


# What a turn is made of.


class Signature(Piece, frozen=True):
    """A provider's mark on its own reasoning, which it wants back unchanged."""

    maker: str
    """The maker, who alone can read it: see `provenance.py`."""
    value: str
    redacted: bool = False
    """True where it stands for a whole reasoning, which may not be shown."""


class CachePoint(Piece, frozen=True):
    """The end of a prompt that is worth keeping at the provider, for `5m` or `1h`."""

    ttl: Literal["5m", "1h"] | None = None


class Citation(Piece, frozen=True):
    """The source of something in an answer.

    `start` and `end` count characters of the answer's own text. `unit`, `first` and `last` are the
    place in document number `document` (from 0).
    """

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    start: int | None = None
    end: int | None = None
    document: int | None = None
    unit: Literal["character", "page", "block"] | None = None
    first: int | None = None
    last: int | None = None
    dialect: str | None = None
    native: Json | None = None
    """The citation as `dialect` wrote it, for the way back."""


class Media(Piece, frozen=True):
    """Bytes, by one of `url`, `data` (base64), `text` and `file_id`."""

    media_type: str | None = None
    url: str | None = None
    data: str | None = None
    text: str | None = None
    file_id: str | None = None


class Text(Piece, frozen=True, tag="text"):
    """Text that somebody says."""

    text: str
    citations: tuple[Citation, ...] = ()
    signature: Signature | None = None
    logprobs: tuple[Json, ...] | None = None
    """As chat completions write each token."""
    cache: CachePoint | None = None


class Image(Piece, frozen=True, tag="image"):
    """A picture."""

    media: Media
    detail: str | None = None
    signature: Signature | None = None
    cache: CachePoint | None = None


class File(Piece, frozen=True, tag="file"):
    """A document, such as a PDF."""

    media: Media
    name: str | None = None
    context: str | None = None
    """Facts about the document for the model, beside its content."""
    cited: bool = False
    """True where the answer shall cite it."""
    cache: CachePoint | None = None


class Audio(Piece, frozen=True, tag="audio"):
    """Sound: `format` is `wav`, `mp3` and so on; `id` names one that the provider made before."""

    data: str | None = None
    format: str | None = None
    id: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class Reasoning(Piece, frozen=True, tag="reasoning"):
    """Thoughts of a model; `summary` has the parts that a provider shows in place of its `text`."""

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: Signature | None = None
    id: str | None = None


class Refusal(Piece, frozen=True, tag="refusal"):
    """The reason that a model gives for declining."""

    text: str


class ToolCall(Piece, frozen=True, tag="tool_call"):
    """A call of a tool. `arguments` is JSON as text; of a custom tool it is any text."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    namespace: str | None = None
    signature: Signature | None = None
    item_id: str | None = None
    cache: CachePoint | None = None


class ToolResult(Piece, frozen=True, tag="tool_result"):
    """The result of a call; stands in a turn of the user."""

    call_id: str
    parts: tuple[Text | Image | File | Opaque, ...]
    failed: bool = False
    custom: bool = False
    item_id: str | None = None
    cache: CachePoint | None = None


class Opaque(Piece, frozen=True, tag="opaque"):
    """A part that only one dialect knows, as it came, such as the result of a hosted tool."""

    dialect: str
    native: Json
    said: str | None = None
    """The same in words, for all other dialects."""


Part = Text | Image | File | Audio | Reasoning | Refusal | ToolCall | ToolResult | Opaque


class Turn(Piece, frozen=True):
    """One side's parts in a row. Neighbours may have the same role: see `turns.merged`."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    id: str | None = None
    phase: str | None = None
    at: str = ""
    """The place in the client's body, such as `messages[3]`, for errors."""


# What a conversation asks for.


class Tool(Piece, frozen=True):
    """A function that the client runs. `custom` takes any text, in the form of `grammar`."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None
    custom: bool = False
    grammar: Json | None = None
    namespace: str | None = None
    known_as: str | None = None
    """The client's name for it, where `name` is made for providers, which have but one list."""
    item: str | None = None
    """The type of a call's item in the client's dialect, where that has one for this tool."""
    cache: CachePoint | None = None
    native: Json = {}
    """Further fields that only the client's own dialect knows."""


class HostedTool(Piece, frozen=True):
    """A tool that the provider runs itself: `kind` such as `web_search`, `native` as written."""

    kind: str
    dialect: str
    native: Json
    at: str = "tools"
    """The place in the client's body, for errors."""
    instead: str = ""
    """Advice for a client whose model lacks the tool; a sentence without its full stop."""
    max_calls: int | None = None


class ToolChoice(Piece, frozen=True):
    """A demand on the calls of an answer; `names` leaves only these tools to choose from."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


class Thinking(Piece, frozen=True):
    """The reasoning that is asked for, and the part of it to show; None is the model's choice.

    `budget` is in tokens. `mode` is for a client that switches it outright; an effort alone leaves
    it None. `adaptive` lets the model decide, and where none can think nothing is left to decide.
    """

    mode: Literal["on", "off", "adaptive"] | None = None
    effort: Effort | None = None
    budget: int | None = None
    summary: Literal["auto", "concise", "detailed", "omitted"] | None = None


class Format(Piece, frozen=True):
    """The form that an answer must have."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class Sampling(Piece, frozen=True):
    """Settings of how tokens are drawn. Ranges are the client's dialect's: 0 to 2 in chat."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = None


class Hints(Piece, frozen=True):
    """Fields that do not change the meaning of an answer: passed where known, else left out."""

    user: str | None = None
    safety_identifier: str | None = None
    metadata: Json | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_retention: str | None = None
    store: bool | None = None
    verbosity: str | None = None
    native: Json = {}
    """Fields that only the client's own dialect knows."""


class Conversation(Piece, frozen=True):
    """A client's request, without the model's name."""

    dialect: str
    """The client's: `chat`, `messages`, `responses`."""
    turns: tuple[Turn, ...]
    tools: tuple[Tool | HostedTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    legacy_functions: bool = False
    """True where a client of chat knows calls as it did before tools: as a `function_call`."""
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    thinking: Thinking | None = None
    format: Format | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    modalities: tuple[str, ...] = ()
    audio: Json | None = None
    """Voice and format of the audio that is asked for, as chat writes them."""
    hints: Hints = Hints()
    stream: bool = False
    include_usage: bool = False
    """True where a stream of chat shall end with its usage."""
    betas: tuple[str, ...] = ()
    """Betas of Anthropic's that the client names."""
    extensions: Json = {}
    """Fields of `dialect` that no other knows. A renderer of another dialect refuses them."""
    echo: Json = {}
    """Fields that an answer in `dialect` repeats."""
    answer_id: str | None = None
    """The id that the answer shall have, where that is known before it."""


class Destination(Piece, frozen=True):
    """The model that a conversation is rendered for, and that an answer comes from."""

    model: str
    """As the provider knows it."""
    maker: str = ""
    """The provenance of what it signs."""
    max_output_tokens: int | None = None
    """The model's own limit, for providers that demand one where the client gives none."""


# What comes back.


class Usage(Piece, frozen=True):
    """Tokens. The input has the cached and the newly cached ones in it, the output the reasoning.

    Audio and images are part of the input and of the output, too, but for what is cached of them.
    None is not known.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Those of the newly cached ones that are kept for an hour, which costs more."""
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_input_tokens: int | None = None
    image_output_tokens: int | None = None
    images: int | None = None
    """Number of images that were drawn, whatever tokens they took."""
    native: Json = {}
    """Further counts, in OpenAI's names of `prompt_tokens_details`' neighbours."""


class Choice(Piece, frozen=True):
    """One choice of an answer, which nearly always has no other."""

    parts: tuple[Part, ...]
    stop: Stop
    stop_sequence: str | None = None
    index: int = 0


class Answer(Piece, frozen=True):
    """A model's whole reply."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    """Unix seconds, where the provider says it."""
    service_tier: str | None = None
    extensions: Json = {}
