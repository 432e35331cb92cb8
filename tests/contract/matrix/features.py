"""What must survive a translation: for each feature the request in both dialects, what the upstream
must see of it, and what the client must hear. An upstream that cannot do it refuses, by name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from contract.matrix.clients import Heard
from contract.matrix.in_responses import in_responses
from contract.services.stand_in import Body, Call, Turn

CLIENTS = ("chat", "responses", "messages")
UPSTREAMS = ("OpenAI", "Anthropic", "Gemini", "Vertex Gemini", "Vertex Claude", "Bedrock")
CLAUDES = ("Anthropic", "Vertex Claude")
GEMINIS = ("Gemini", "Vertex Gemini")
PNG = "iVBORw0KGgoAAAANSUhEUg=="
PDF = "JVBERi0xLjcKJeLjz9MKMQ=="
SCHEMA: Body = {
    "type": "object",
    "properties": {"colour": {"type": "string"}},
    "required": ["colour"],
    "additionalProperties": False,
}
PARAMETERS: Body = {"type": "object", "properties": {"city": {"type": "string"}}}
CHAT_TOOLS = [
    {
        "type": "function",
        "function": {"name": name, "description": f"Tells {name}", "parameters": PARAMETERS},
    }
    for name in ("weather", "time")
]
MESSAGES_TOOLS = [
    {"name": name, "description": f"Tells {name}", "input_schema": PARAMETERS}
    for name in ("weather", "time")
]
CALLS = (Call("weather", {"city": "Rome"}), Call("time", {"city": "Oslo"}))


def user(content: object = "Hello there") -> list[Body]:
    return [{"role": "user", "content": content}]


Seen = str | Mapping[str, str]
"""What stands in the upstream's body: everywhere the same, or by upstream."""


@dataclass(frozen=True)
class Feature:
    """One thing that must survive. `None` for a dialect that has no words for it."""

    name: str
    chat: Body | None
    messages: Body | None
    seen: tuple[Seen, ...] = ()
    turn: Turn = field(default_factory=Turn)
    heard: Callable[[Heard], bool] = lambda heard: bool(heard.text)
    refused: Mapping[str, str] = field(default_factory=dict)
    """Upstreams that cannot do it, and the field that they name, as chat calls it."""

    @property
    def responses(self) -> Body | None:
        """The request in the words of Responses."""
        return in_responses(self.chat)

    own: frozenset[str] = frozenset()
    """Upstreams that cannot do it and say so themselves, where they are asked in their dialect."""
    follow: tuple[list[str], str | None] | None = None
    """Results and words of the user, for a second turn, whose body is the one that is looked at."""


def everywhere(value: str, *upstreams: str) -> dict[str, str]:
    """The same for some upstreams."""
    return dict.fromkeys(upstreams or UPSTREAMS, value)


def both(name: str, body: Body, *seen: Seen, **more: object) -> Feature:
    """A feature that both dialects write alike."""
    return Feature(name, body, body, seen, **more)  # type: ignore[arg-type]  # as declared above


def passes_through(client: str, upstream: str) -> bool:
    """Whether both sides speak the same dialect, so that the provider itself answers."""
    return upstream in {"chat": ("OpenAI",), "messages": CLAUDES}.get(client, ())


NAMES = {
    "messages": {
        "reasoning_effort": "thinking",
    },
    "responses": {
        "reasoning_effort": "reasoning",
        "messages[0]": "input[0]",
        "logprobs": "top_logprobs",
    },
}
"""Fields of chat that other clients call otherwise."""


def named(client: str, field: str | None) -> str | None:
    """A field as a client calls it."""
    return NAMES.get(client, {}).get(field or "", field)


FEATURES = (
    both(
        "text",
        {"messages": user("Grüße 🎉")},
        turn=Turn(text="Grüße 🎉"),
        heard=lambda heard: heard.text == "Grüße 🎉" and heard.stop in {"stop", "end_turn"},
    ),
    both(
        "several turns",
        {"messages": [*user("One"), {"role": "assistant", "content": "Two"}, *user("Three")]},
        "One",
        "Two",
        "Three",
    ),
    Feature(
        "system and developer prompts",
        {
            "messages": [
                {"role": "system", "content": "Be terse."},
                {"role": "developer", "content": "Use Latin."},
                *user(),
            ]
        },
        {
            "system": [
                {"type": "text", "text": "Be terse."},
                {"type": "text", "text": "Use Latin."},
            ],
            "messages": user(),
        },
        ("Be terse.", "Use Latin."),
    ),
    Feature(
        "instructions in the middle",
        {"messages": [*user("One"), {"role": "system", "content": "Be terse."}, *user("Two")]},
        {"messages": [*user("One"), {"role": "system", "content": "Be terse."}, *user("Two")]},
        ("Be terse.",),
        own=frozenset(CLAUDES),
    ),
    Feature(
        "image as data",
        {
            "messages": user(
                [
                    {"type": "text", "text": "What?"},
                    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
                ]
            )
        },
        {
            "messages": user(
                [
                    {"type": "text", "text": "What?"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PNG},
                    },
                ]
            )
        },
        (PNG,),
    ),
    Feature(
        "PDF file",
        {
            "messages": user(
                [
                    {"type": "text", "text": "Read"},
                    {
                        "type": "file",
                        "file": {
                            "filename": "a.pdf",
                            "file_data": f"data:application/pdf;base64,{PDF}",
                        },
                    },
                ]
            )
        },
        {
            "messages": user(
                [
                    {"type": "text", "text": "Read"},
                    {
                        "type": "document",
                        "title": "a.pdf",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
                    },
                ]
            )
        },
        (PDF,),
    ),
    Feature(
        "audio",
        {
            "messages": user(
                [
                    {"type": "text", "text": "Hear"},
                    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                ]
            )
        },
        None,
        ("UklGRg==",),
        refused=everywhere("messages[0]", *CLAUDES, "Bedrock"),
    ),
    Feature(
        "parallel tool calls",
        {"messages": user(), "tools": CHAT_TOOLS},
        {"messages": user(), "tools": MESSAGES_TOOLS},
        ("Tells weather", "Tells time"),
        turn=Turn(calls=CALLS),
        heard=lambda heard: (
            [call[1:] for call in heard.calls]
            == [("weather", {"city": "Rome"}), ("time", {"city": "Oslo"})]
            and heard.stop in {"tool_calls", "tool_use"}
        ),
    ),
    Feature(
        "tool results",
        {"messages": user(), "tools": CHAT_TOOLS},
        {"messages": user(), "tools": MESSAGES_TOOLS},
        ("sunny in Rome", "noon in Oslo", "And then?"),
        turn=Turn(calls=CALLS),
        follow=(["sunny in Rome", "noon in Oslo"], "And then?"),
    ),
    Feature(
        "tool choice",
        {
            "messages": user(),
            "tools": CHAT_TOOLS,
            "tool_choice": {"type": "function", "function": {"name": "time"}},
        },
        {
            "messages": user(),
            "tools": MESSAGES_TOOLS,
            "tool_choice": {"type": "tool", "name": "time"},
        },
        (
            {
                "OpenAI": '"tool_choice": {"type": "function", "function": {"name": "time"}}',
                **everywhere('"tool_choice": {"type": "tool", "name": "time"}', *CLAUDES),
                **everywhere('"allowedFunctionNames": ["time"]', *GEMINIS),
                "Bedrock": '"toolChoice": {"tool": {"name": "time"}}',
            },
        ),
        turn=Turn(calls=CALLS[1:]),
        heard=lambda heard: heard.calls[0][1] == "time",
    ),
    Feature(
        "custom tools",
        {"messages": user(), "tools": [{"type": "custom", "custom": {"name": "shell"}}]},
        None,
        ("shell",),
        turn=Turn(calls=(Call("shell", {"input": "ls -l"}),)),
        heard=lambda heard: [call[1:] for call in heard.calls] == [("shell", {"input": "ls -l"})],
    ),
    Feature(
        "no tool",
        {"messages": user(), "tools": CHAT_TOOLS, "tool_choice": "none"},
        {"messages": user(), "tools": MESSAGES_TOOLS, "tool_choice": {"type": "none"}},
        (
            {
                "OpenAI": '"tool_choice": "none"',
                **everywhere('"tool_choice": {"type": "none"}', *CLAUDES),
                **everywhere('"mode": "NONE"', *GEMINIS),
                "Bedrock": '{"messages": [{"role": "user", "content": [{"text": "Hello there"}]}]',
            },
        ),
    ),
    Feature(
        "one tool at a time",
        {"messages": user(), "tools": CHAT_TOOLS, "parallel_tool_calls": False},
        {
            "messages": user(),
            "tools": MESSAGES_TOOLS,
            "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
        },
        (
            {
                "OpenAI": '"parallel_tool_calls": false',
                **everywhere('"disable_parallel_tool_use": true', *CLAUDES, "Bedrock"),
            },
        ),
    ),
    Feature(
        "JSON of a schema",
        {
            "messages": user(),
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": SCHEMA},
            },
        },
        {
            "messages": user(),
            "output_config": {"format": {"type": "json_schema", "schema": SCHEMA}},
        },
        ("colour",),
        turn=Turn(text='{"colour": "green"}'),
        heard=lambda heard: heard.text == '{"colour": "green"}',
    ),
    Feature(
        "any JSON object",
        {"messages": user("Answer in json"), "response_format": {"type": "json_object"}},
        None,
        (
            {
                "OpenAI": '"json_object"',
                **everywhere("one JSON object", *CLAUDES, "Bedrock"),
                **everywhere('"application/json"', *GEMINIS),
            },
        ),
    ),
    Feature(
        "reasoning by effort",
        {"messages": user(), "reasoning_effort": "high"},
        None,
        (
            {
                **everywhere('"budget_tokens"', "Bedrock"),
                **everywhere('"thinkingLevel": "HIGH"', *GEMINIS),
            },
        ),
        turn=Turn(thinking="Let me see.", text="Well.", thinking_tokens=4),
        heard=lambda heard: heard.thinking == "Let me see." and heard.text == "Well.",
        own=frozenset(CLAUDES),
        refused={"OpenAI": "reasoning_effort"},
    ),
    Feature(
        "effort",
        None,
        {"messages": user(), "output_config": {"effort": "high"}},
        (
            {
                **everywhere('"budget_tokens"', "Bedrock", *CLAUDES),
                **everywhere('"thinkingLevel": "HIGH"', *GEMINIS),
            },
        ),
        turn=Turn(text="Well."),
        heard=lambda heard: heard.text == "Well.",
    ),
    Feature(
        "reasoning by budget",
        {
            "messages": user(),
            "max_tokens": 4000,
            "extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        },
        {"messages": user(), "thinking": {"type": "enabled", "budget_tokens": 2000}},
        (
            {
                **everywhere('"budget_tokens": 2000', *CLAUDES, "Bedrock"),
                **everywhere('"includeThoughts": true', *GEMINIS),
            },
        ),
        turn=Turn(thinking="Let me see.", text="Well.", thinking_tokens=4),
        heard=lambda heard: heard.thinking == "Let me see.",
        refused={"OpenAI": "reasoning_effort"},
    ),
    Feature(
        "signature of reasoning before a call",
        {
            "messages": user(),
            "tools": CHAT_TOOLS,
            "max_tokens": 4000,
            "extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        },
        {
            "messages": user(),
            "tools": MESSAGES_TOOLS,
            "thinking": {"type": "enabled", "budget_tokens": 2000},
        },
        (
            {
                **everywhere("Let me see.", *CLAUDES, "Bedrock"),
                **everywhere('"thoughtSignature": "R2Vt', *GEMINIS),
            },
        ),
        turn=Turn(thinking="Let me see.", calls=CALLS, thinking_tokens=4),
        follow=(["sunny", "noon"], None),
        refused={"OpenAI": "reasoning_effort"},
    ),
    Feature(
        "redacted reasoning before a call",
        {
            "messages": user(),
            "tools": CHAT_TOOLS,
            "max_tokens": 4000,
            "extra_body": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        },
        {
            "messages": user(),
            "tools": MESSAGES_TOOLS,
            "thinking": {"type": "enabled", "budget_tokens": 2000},
        },
        ({**everywhere('"redacted_thinking"', *CLAUDES), "Bedrock": '"redactedContent"'},),
        turn=Turn(redacted=True, calls=CALLS, thinking_tokens=4),
        follow=(["sunny", "noon"], None),
        refused={"OpenAI": "reasoning_effort"},
    ),
    Feature(
        "refusal",
        {"messages": user()},
        {"messages": user()},
        turn=Turn(text="I would rather not.", stop="refusal"),
        heard=lambda heard: heard.stop in {"content_filter", "refusal"},
    ),
    Feature(
        "end of the tokens",
        {"messages": user(), "max_completion_tokens": 7},
        {"messages": user(), "max_tokens": 7},
        (
            {
                "OpenAI": '"max_completion_tokens": 7',
                **everywhere('"max_tokens": 7', *CLAUDES),
                **everywhere('"maxOutputTokens": 7', *GEMINIS),
                "Bedrock": '"maxTokens": 7',
            },
        ),
        turn=Turn(text="And so", stop="length"),
        heard=lambda heard: heard.stop in {"length", "max_tokens"},
    ),
    Feature(
        "stop sequences",
        {"messages": user(), "stop": ["HALT"]},
        {"messages": user(), "stop_sequences": ["HALT"]},
        ("HALT",),
        turn=Turn(text="Well", stop="stop_sequence"),
        heard=lambda heard: heard.stop in {"stop", "stop_sequence", "end_turn"},
    ),
    both(
        "temperature",
        {"messages": user(), "temperature": 0.25},
        '"temperature": 0.25',
    ),
    Feature(
        "temperature above 1",
        {"messages": user(), "temperature": 1.5},
        None,
        ('"temperature": 1.5',),
        refused=everywhere("temperature", *CLAUDES, "Bedrock"),
    ),
    Feature(
        "top_k",
        {"messages": user(), "extra_body": {"top_k": 5}},
        {"messages": user(), "top_k": 5},
        ({**everywhere('"top_k": 5', *CLAUDES, "Bedrock"), **everywhere('"topK": 5', *GEMINIS)},),
        refused={"OpenAI": "top_k"},
    ),
    Feature(
        "seed",
        {"messages": user(), "seed": 7},
        None,
        ('"seed": 7',),
        refused=everywhere("seed", *CLAUDES, "Bedrock"),
    ),
    Feature(
        "log probabilities",
        {"messages": user(), "logprobs": True, "top_logprobs": 1},
        None,
        ({"OpenAI": '"logprobs": true', **everywhere('"responseLogprobs": true', *GEMINIS)},),
        turn=Turn(text="Well"),
        heard=lambda heard: heard.logprobs,
        refused=everywhere("logprobs", *CLAUDES, "Bedrock"),
    ),
    Feature(
        "several choices",
        {"messages": user(), "n": 2},
        None,
        ({"OpenAI": '"n": 2', **everywhere('"candidateCount": 2', *GEMINIS)},),
        heard=lambda heard: heard.choices == 2,
        refused=everywhere("n", *CLAUDES, "Bedrock"),
    ),
    Feature(
        "usage with cached tokens",
        {"messages": user()},
        {"messages": user()},
        turn=Turn(input_tokens=50, cached_tokens=30, output_tokens=9),
        heard=lambda heard: (
            (heard.input_tokens, heard.cached_tokens, heard.output_tokens) == (50, 30, 9)
        ),
    ),
    Feature(
        "cache points",
        {
            "messages": user(
                [
                    {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "Short"},
                ]
            )
        },
        {
            "messages": user(
                [
                    {"type": "text", "text": "Long", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "Short"},
                ]
            )
        },
        ({**everywhere('"cache_control"', *CLAUDES), "Bedrock": '"cachePoint"'},),
        own=frozenset({"OpenAI"}),
    ),
    Feature(
        "citations",
        {"messages": user()},
        {"messages": user()},
        turn=Turn(text="Grass is green.", cited=True),
        heard=lambda heard: heard.citations == 1,
    ),
    Feature(
        "user and metadata",
        {"messages": user(), "user": "user-7", "metadata": {"team": "blue"}},
        {"messages": user(), "metadata": {"user_id": "user-7"}},
        ({"OpenAI": "user-7", **everywhere("user-7", *CLAUDES)},),
    ),
)
