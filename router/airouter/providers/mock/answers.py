"""The mock's answer to a chat or a completion.

What it was told word for word, by the credential or by `metadata.mock_reply` of the request, it
says. Otherwise it gives what the request itself demands: a tool it forces, a format.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airouter.config.mock_reply import parse_mock_reply
from airouter.failures import Failure, invalid_field
from airouter.providers.mock.scalars import NoInstance
from airouter.providers.mock.schema import instance

if TYPE_CHECKING:
    from airouter.config.mock_reply import MockReply

Body = dict[str, Any]

ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
COUNTED = 65_536
"""Characters of a text whose tokens are counted, for counting more would hold the event loop."""
MOST_SAID = 1_048_576
"""Characters of an answer, be there more to repeat."""
WORD = re.compile(r"(?<!\s)\s*\S+")
"""Tried only where white space begins, or each of many blanks would be tried as the first."""
REASONING = "The mock was asked to reason, and it has reasoned."
"""Thought where a request wants it and no script says what."""


@dataclass
class MockAnswer:
    """A choice."""

    text: str | None = None
    tool_calls: list[tuple[str, str]] = field(default_factory=list)
    """Name and JSON arguments of the functions to call."""
    finish_reason: str = "stop"
    reasoning: str = ""
    """Thought before it."""


def answer_chat(body: Body, reply: str) -> MockAnswer:
    """Answer a chat. Raises `Failure` 400."""
    messages = checked_messages(body)
    script = read_script(reply)
    reasoning = reasoning_for(body, script)
    if script.kind == "text":
        return cut(MockAnswer(script.argument, reasoning=reasoning), body)
    has_result = messages[-1]["role"] == "tool"
    call = None if has_result else demanded_call(body, script)
    if call is not None:
        return MockAnswer(tool_calls=[call], finish_reason="tool_calls", reasoning=reasoning)
    structured = structured_text(body)
    if structured is not None:
        return MockAnswer(structured, reasoning=reasoning)
    asked = messages[-1:] if has_result else [m for m in messages if m["role"] == "user"]
    said = mock_message_text(asked[-1]) if asked else ""
    text = said if has_result else spoken(script, said)
    return cut(MockAnswer(text, reasoning=reasoning), body)


def answer_completion(body: Body, prompt: str, reply: str) -> MockAnswer:
    """Answer a prompt of a legacy completion. Raises `Failure` 400."""
    return cut(MockAnswer(spoken(read_script(reply), prompt)), body)


def read_script(reply: str) -> MockReply:
    """Read a reply by its grammar. Raises `Failure` 400."""
    try:
        return parse_mock_reply(reply)
    except ValueError as error:
        raise invalid_field("metadata.mock_reply", f"'mock_reply' is {error}.") from None


def reasoning_for(body: Body, script: MockReply) -> str:
    """Return what is thought before an answer. Raises `Failure` 400."""
    effort, thinking = body.get("reasoning_effort"), body.get("thinking")
    if not isinstance(effort, str | None):
        raise invalid_field("reasoning_effort", "'reasoning_effort' must be text.")
    if script.reasoning is not None:
        return script.reasoning
    enabled = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    return REASONING if enabled or effort not in {None, "none"} else ""


def spoken(script: MockReply, said: str) -> str:
    """Return the text that a script makes of what was said; one that calls a tool repeats it."""
    if script.kind == "tokens":
        return " ".join(f"word{number}" for number in range(1, int(script.argument) + 1))
    return script.argument if script.kind == "text" else said


def checked_messages(body: Body) -> list[Body]:
    """Return the messages of a chat. Raises `Failure` 400 as OpenAI does."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Failure(
            400,
            "Missing or empty required parameter: 'messages'.",
            param="messages",
            code="missing_required_parameter",
        )
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            raise invalid_field(where, f"'{where}' must be an object.")
        if message.get("role") not in ROLES:
            raise invalid_field(f"{where}.role", f"'{where}.role' must be one of {sorted(ROLES)}.")
        if not isinstance(message.get("content"), str | list | None):
            raise invalid_field(f"{where}.content", f"'{where}.content' must be text or parts.")
    return messages


def prompts_of(body: Body) -> list[str]:
    """Return the prompts of a legacy completion; tokens read as numbers. Raises `Failure` 400."""
    given = body.get("prompt", "")
    several = isinstance(given, list) and not all(isinstance(token, int) for token in given)
    prompts = given if several else [given]
    if not all(isinstance(prompt, str | list) for prompt in prompts):
        raise invalid_field("prompt", "'prompt' must be text or tokens, or a list of these.")
    return [p if isinstance(p, str) else " ".join(map(str, p)) for p in prompts]


def mock_message_text(message: Body) -> str:
    """Return the text of a message, its parts joined."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def demanded_call(body: Body, script: MockReply) -> tuple[str, str] | None:
    """Return name and arguments of the call that the script or `tool_choice` wants."""
    choice = body.get("tool_choice")
    if choice == "none":
        return None
    if script.kind == "tool" and body.get("tools"):  # a model calls nothing it was not given
        name, _, arguments = script.argument.partition(" ")
        return name, arguments
    if choice == "required":
        return forced_call(body, None)
    if isinstance(choice, dict) and choice.get("type") == "function":
        return forced_call(body, choice["function"]["name"])
    return None


def forced_call(body: Body, name: str | None) -> tuple[str, str]:
    """Return a call of that function, or of the first, that fits it. Raises `Failure` 400."""
    functions = {
        tool["function"]["name"]: tool["function"].get("parameters") or {}
        for tool in body.get("tools") or ()
        if tool.get("type") == "function"
    }
    name = next(iter(functions), None) if name is None else name
    if name is None or name not in functions:
        raise invalid_field("tool_choice", "'tool_choice' forces a function that 'tools' lacks.")
    return name, invented({"type": "object"} | functions[name], "tools")


def structured_text(body: Body) -> str | None:
    """Return JSON of the format that is asked for, if any is. Raises `Failure` 400."""
    wanted = body.get("response_format")
    if not isinstance(wanted, dict):
        return None
    if wanted.get("type") == "json_object":
        return '{"mock": true}'
    if wanted.get("type") == "json_schema":
        schema = wanted.get("json_schema", {}).get("schema", {})
        return invented(schema, "response_format.json_schema.schema")
    return None


def invented(schema: Any, param: str) -> str:
    """Return the smallest JSON of a schema. Raises `Failure` 400."""
    try:
        return json.dumps(instance(schema))
    except NoInstance:
        raise invalid_field(param, f"The mock finds no small value for '{param}'.") from None


def cut(answer: MockAnswer, body: Body) -> MockAnswer:
    """End an answer by `stop` or by the largest number of tokens. Raises `Failure` 400."""
    text = (answer.text or "")[:MOST_SAID]
    for stop in stop_texts(body):
        text = text.split(stop, 1)[0] if stop else text
    limit = limit_of(body)
    thought, words = tokens_of(answer.reasoning), tokens_of(text)
    if limit is None or len(thought) + len(words) <= limit:
        return MockAnswer(text, reasoning=answer.reasoning)
    said = "".join(words[: max(limit - len(thought), 0)])
    return MockAnswer(said, finish_reason="length", reasoning="".join(thought[:limit]))


def stop_texts(body: Body) -> list[str]:
    """Return `stop`. Raises `Failure` 400."""
    given = body.get("stop") or []
    stops = [given] if isinstance(given, str) else given
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise invalid_field("stop", "'stop' must be text or a list of texts.")
    return stops


def limit_of(body: Body) -> int | None:
    """Return the most tokens that an answer may have. Raises `Failure` 400."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is None:
            continue
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise invalid_field(name, f"'{name}' must be a whole number from 1.")
        return limit
    return None


def tokens_of(text: str) -> list[str]:
    """Cut a text into tokens: words with the space before them, and what is left at the end."""
    words = WORD.findall(text)
    rest = text[sum(map(len, words)) :]
    return [*words, rest] if rest else words


def token_count(text: str) -> int:
    """Return how many tokens a text has; of a large one, as many as its beginning suggests."""
    if len(text) <= COUNTED:
        return len(tokens_of(text))
    return round(len(tokens_of(text[:COUNTED])) * len(text) / COUNTED)
