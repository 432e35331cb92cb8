"""A conversation as text, for the model that summarises it.

As text it needs no tools, no signatures and no calls that match their results, so any model takes
it, and it can be cut anywhere between two items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_RESULT = 20_000
"""Characters of one item; of what is longer, the beginning and the end."""
GIVEN = ("arguments", "input", "action", "operation")
"""Where calls have what they are called with."""
SPEAKERS = {"user": "User", "assistant": "Assistant"}


def entries(items: Iterable[msgspec.Raw]) -> Iterator[str]:
    """Yield the text of each item that has any."""
    for item in items:
        said = entry(msgspec.json.decode(item))
        if said:
            yield shortened(said)


def entry(item: dict[str, Any]) -> str:
    """Return the text of an item."""
    kind = item.get("type") or "message"
    if kind == "message":
        speaker = SPEAKERS.get(item.get("role", ""), "Instructions")
        return f"{speaker}: {content_text(item.get('content'))}"
    if kind == "reasoning":
        thought = content_text(item.get("summary"))
        return f"Assistant (thinking): {thought}" if thought else ""
    if kind.endswith("_output"):
        given = item.get("output") or item.get("status")
        return f"Result of call {item.get('call_id')}: {content_text(given)}"
    if kind.endswith("_call"):
        given = next((item[name] for name in GIVEN if item.get(name)), "")
        name = item.get("name") or kind.removesuffix("_call")
        return f"Assistant called {name} (call {item.get('call_id')}) with: {content_text(given)}"
    return ""


def content_text(content: object) -> str:
    """Return the text of a content; media are only named."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(part_text(part) for part in content)
    return "" if content is None else msgspec.json.encode(content).decode()


def part_text(part: object) -> str:
    """Return the text of a part."""
    if not isinstance(part, dict):
        return str(part)
    said = part.get("text") or part.get("refusal")
    if isinstance(said, str):
        return said
    if "type" not in part:  # what a command printed
        return msgspec.json.encode(part).decode()
    kind = str(part.get("type", "part")).removeprefix("input_")
    name = part.get("filename")
    return f"[{kind}: {name}]" if name else f"[{kind}]"


def shortened(text: str) -> str:
    """Return a text, without its middle where it is too long."""
    if len(text) <= LONGEST_RESULT:
        return text
    half = LONGEST_RESULT // 2
    left_out = len(text) - 2 * half
    return f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[-half:]}"


def chunks(texts: Iterable[str], size: int) -> Iterator[str]:
    """Yield texts in pieces of at most `size` characters; a longer one is cut."""
    gathered: list[str] = []
    length = 0
    for text in texts:
        for at in range(0, len(text), size):
            piece = text[at : at + size]
            if gathered and length + len(piece) > size:
                yield "\n\n".join(gathered)
                gathered, length = [], 0
            gathered.append(piece)
            length += len(piece) + 2
    if gathered:
        yield "\n\n".join(gathered)
