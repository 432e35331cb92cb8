"""One conversation in nobody's wire format: every dialect is parsed to it and rendered from it.

A `Conversation` is what a client asks, an `Answer` is what a model says, and the `Event`s of
`events.py` are an answer as it comes. All is immutable. JSON that only passes through (schemas,
extensions) stays as msgspec decoded it; base64 stays text, so images are never decoded.

What a dialect does not know is absent (None, or an empty tuple), never a default: a renderer can
tell what was asked for from what was not.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Json = dict[str, Any]
"""A decoded JSON object whose fields are none of our business."""

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
    """What everything here shares."""


class Unsupported(Exception):  # it is an answer, not a fault
    """A destination cannot do what a conversation asks for.

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
    """What a provider wants back unchanged to know its own reasoning again."""

    maker: str
    """Who can read it: see `provenance.py`."""
    value: str
    redacted: bool = False
    """Whether it is the whole of a reasoning that may not be shown."""


class CachePoint(Piece, frozen=True):
    """The prompt up to here is worth keeping at the provider, for `5m` or `1h`."""

    ttl: Literal["5m", "1h"] | None = None


class Citation(Piece, frozen=True):
    """Where something in an answer comes from.

    `start` and `end` count characters of the answer's own text. `unit`, `first` and `last` say
    where in document number `document` (from 0) it stands.
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
    """Where bytes are: one of `url`, `data` (base64), `text` and `file_id`."""

    media_type: str | None = None
    url: str | None = None
    data: str | None = None
    text: str | None = None
    file_id: str | None = None


class Text(Piece, frozen=True, tag="text"):
    """Something said."""

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
    """What the model shall know of it beside its content."""
    cited: bool = False
    """Whether the answer shall cite it."""
    cache: CachePoint | None = None


class Audio(Piece, frozen=True, tag="audio"):
    """Sound: `format` is `wav`, `mp3` and so on; `id` names one that the provider made before."""

    data: str | None = None
    format: str | None = None
    id: str | None = None
    transcript: str | None = None
    expires_at: int | None = None


class Reasoning(Piece, frozen=True, tag="reasoning"):
    """What a model thought; `summary` has the parts of what a provider shows instead."""

    text: str = ""
    summary: tuple[str, ...] = ()
    signature: Signature | None = None
    id: str | None = None


class Refusal(Piece, frozen=True, tag="refusal"):
    """Why a model declined."""

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
    """What a call gave; stands in a turn of the user."""

    call_id: str
    parts: tuple[Text | Image | File | Opaque, ...]
    failed: bool = False
    custom: bool = False
    item_id: str | None = None
    cache: CachePoint | None = None


class Opaque(Piece, frozen=True, tag="opaque"):
    """A part that only one dialect knows, as it wrote it, such as the result of a hosted tool."""

    dialect: str
    native: Json


Part = Text | Image | File | Audio | Reasoning | Refusal | ToolCall | ToolResult | Opaque


class Turn(Piece, frozen=True):
    """What one side says. Neighbours may have the same role: see `turns.merged`."""

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    id: str | None = None
    phase: str | None = None
    at: str = ""
    """Where the client wrote it, such as `messages[3]`, for errors."""


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
    """What the client calls it, where `name` is made for providers, which have but one list."""
    item: str | None = None
    """What a call of it is in the client's dialect, where that has a form of its own for it."""
    cache: CachePoint | None = None
    native: Json = {}
    """Further fields that only the client's own dialect knows."""


class HostedTool(Piece, frozen=True):
    """A tool that the provider runs itself: `kind` such as `web_search`, `native` as written."""

    kind: str
    dialect: str
    native: Json
    at: str = "tools"
    """Where the client wrote it, for errors."""
    instead: str = ""
    """What a client can do where there is no such tool; a sentence without its full stop."""
    max_calls: int | None = None


class ToolChoice(Piece, frozen=True):
    """Whether a tool must be called; `names` leaves only these to choose from."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


class Thinking(Piece, frozen=True):
    """How much a model shall reason, and what of it is shown. What is None is the model's choice.

    `budget` is in tokens. `mode` is what the client said outright; an effort alone leaves it None.
    `adaptive` lets the model decide, and where none can think nothing is left to decide.
    """

    mode: Literal["on", "off", "adaptive"] | None = None
    effort: Effort | None = None
    budget: int | None = None
    summary: Literal["auto", "concise", "detailed", "omitted"] | None = None


class Format(Piece, frozen=True):
    """What an answer must look like."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Json | None = None
    strict: bool | None = None


class Sampling(Piece, frozen=True):
    """How the next token is drawn. Ranges are as the client's dialect has them: 0 to 2 in chat."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = None


class Hints(Piece, frozen=True):
    """What does not change the meaning of an answer: passed where known, else left out."""

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
    """All that a client asks for, but for the model's name."""

    dialect: str
    """The client's: `chat`, `messages`, `responses`."""
    turns: tuple[Turn, ...]
    tools: tuple[Tool | HostedTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
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
    """Whether a stream of chat shall end with its usage."""
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
    """From the model's metadata: what a provider must be told where the client said nothing."""


# What comes back.


class Usage(Piece, frozen=True):
    """Tokens. The input has the cached and the newly cached ones in it, the output the reasoning.

    None is not known.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None
    native: Json = {}
    """What else was counted, in OpenAI's names of `prompt_tokens_details`' neighbours."""


class Choice(Piece, frozen=True):
    """One of the answers to choose from: nearly always the only one."""

    parts: tuple[Part, ...]
    stop: Stop
    stop_sequence: str | None = None
    index: int = 0


class Answer(Piece, frozen=True):
    """What a model said, whole."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    """Unix seconds, where the provider says it."""
    service_tier: str | None = None
    extensions: Json = {}
