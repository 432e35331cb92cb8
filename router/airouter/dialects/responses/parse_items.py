"""From the input items of a Responses request to turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.chat.parse_turns import media_of
from airouter.dialects.conversation import (
    Audio,
    File,
    Image,
    Media,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from airouter.dialects.functions import arguments_as_text
from airouter.dialects.provenance import Unpacker
from airouter.dialects.responses import content, schema
from airouter.dialects.responses.item_structs import as_struct
from airouter.dialects.responses.local_tools import is_the_clients
from airouter.dialects.responses.parse_local import local_call, local_result
from airouter.failures import Failure, invalid_field, unreadable_content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airouter.dialects.conversation import Json
    from airouter.dialects.responses.names import ToolNames

UNSAID = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "additional_tools",
        "configuration_update",
    }
)
"""Items to skip: their effect stands in the model's text, or in the settings."""
INSTEAD = {
    "computer_call": "leave it out, and give the model a function that your application runs",
    "mcp_approval_re": "leave it out, and give the tools of the MCP server as functions",
    "item_reference": "give the item itself, or go on by 'previous_response_id'",
    "compaction_trigger": "ask for '/v1/responses/compact'",
}
"""Items that ask for something which is not served, by the beginning of their type, and advice."""
OF_CHAT = {
    "image_url": '{"type": "input_image", "image_url": "..."}',
    "file": '{"type": "input_file", "file_data": "...", "filename": "..."}',
}
"""Parts of Chat Completions, and what this API has in their place."""
COMPACTIONS = frozenset({"compaction", "compaction_summary", "context_compaction"})
"""Items that stand for what was before them; Codex writes them under each of these names."""


def turns_of(given: str | list[Json] | None, names: ToolNames) -> list[Turn]:
    """Return the turns of an input. Raises `Failure` 400."""
    if given is None or given == []:
        raise Failure(400, "Missing required parameter: 'input'.", param="input")
    if isinstance(given, str):
        return [Turn(role="user", parts=(Text(text=given),), at="input")]
    unpacker = Unpacker()
    turns = [turn_of(item, f"input[{index}]", names, unpacker) for index, item in enumerate(given)]
    found = with_signatures([turn for turn in turns if turn is not None and turn.parts])
    if not found:
        raise invalid_field("input", "'input' has nothing in it for this model to answer.")
    return without_stray_thoughts(answered_by_call_id(found))


def turn_of(  # noqa: PLR0911  # one for each
    item: Json, at: str, names: ToolNames, unpacker: Unpacker
) -> Turn | None:
    """Return the turn of an item; None for one to skip. Raises `Failure` 400 for an unknown one."""
    match type_of(item):
        case "message":
            message = as_struct(item, schema.Message, at)
            return Turn(
                role=message.role,
                parts=parts_of(message.content or "", at),
                id=message.id,
                phase=message.phase,
                at=at,
            )
        case "function_call" | "custom_tool_call":
            return Turn(role="assistant", parts=(call_of(item, at, names),), at=at)
        case "local_shell_call" | "shell_call" | "apply_patch_call" | "tool_search_call" if (
            is_the_clients(item)
        ):
            return Turn(role="assistant", parts=(local_call(item, at, names),), at=at)
        case "function_call_output" | "custom_tool_call_output" as kind:
            output = as_struct(item, schema.CallOutput, at)
            return Turn(role="user", parts=(result(output, at, custom=kind[0] == "c"),), at=at)
        case (
            "local_shell_call_output"
            | "shell_call_output"
            | "apply_patch_call_output"
            | "tool_search_output"
        ) if is_the_clients(item):
            return Turn(role="user", parts=(local_result(item, at),), at=at)
        case "reasoning":
            thought = as_struct(item, schema.ReasoningItem, at)
            return Turn(role="assistant", parts=reasoning(thought, unpacker), at=at)
        case "agent_message":
            told = as_struct(item, schema.AgentMessage, at)
            return Turn(role="user", parts=parts_of(told.content or "", at), at=at)
        case kind if kind in COMPACTIONS and item.get("encrypted_content"):
            raise unreadable_content(at)  # one of ours is opened before it comes here
        case kind if kind not in UNSAID:
            check_skipped(kind, at)
    return None


def type_of(item: Json) -> str:
    """Return the type of an item; a message and a reference may leave theirs out."""
    kind = item.get("type")
    if kind is None:
        return "item_reference" if "role" not in item and "id" in item else "message"
    return str(kind)


def check_skipped(kind: str, at: str) -> None:
    """Check that a conversation can go on without an item. Raises `Failure` 400.

    What only OpenAI or a client knows, such as the call of a hosted tool, is a record of what
    happened; a client keeps sending it, and would never get an answer again.
    """
    instead = next((words for begin, words in INSTEAD.items() if kind.startswith(begin)), None)
    if instead is not None:
        what = f"'{at}' is an item of type '{kind[:64]}', which this model lacks: {instead}."
        raise Failure(400, what, param=at, code="unsupported_value")


def call_of(item: Json, at: str, names: ToolNames) -> ToolCall:
    """Return a call of a function, or of a custom tool."""
    call: schema.CustomCall | schema.FunctionCall
    if item["type"] == "custom_tool_call":
        call = custom = as_struct(item, schema.CustomCall, at)
        arguments = custom.input
    else:
        call = function = as_struct(item, schema.FunctionCall, at)
        arguments = arguments_as_text(function.arguments)
    return ToolCall(
        id=call.call_id,
        name=names.of(call.name, call.namespace),
        arguments=arguments,
        custom=item["type"] == "custom_tool_call",
        item_id=call.id,
        namespace=call.namespace,
    )


def result(item: schema.CallOutput, at: str, *, custom: bool) -> ToolResult:
    """Return the result of a call."""
    parts = parts_of(item.output or "", at, "output")
    return ToolResult(
        call_id=item.call_id,
        parts=tuple(part for part in parts if isinstance(part, Text | Image | File)),
        custom=custom,
        item_id=item.id,
    )


def reasoning(item: schema.ReasoningItem, unpacker: Unpacker) -> tuple[Part, ...]:
    """Return the parts that are packed in a reasoning, else its readable text."""
    _, packed = unpacker.parts(item.encrypted_content or "")
    if packed:
        return tuple(packed)
    summary = tuple(part.text for part in item.summary or ())
    text = "\n\n".join(part.text for part in item.content or ())
    return (Reasoning(text=text, summary=summary, id=item.id),) if summary or text else ()


def with_signatures(turns: list[Turn]) -> list[Turn]:
    """Return turns whose calls have the signatures that came in reasoning items before them."""
    signatures = {
        part.id: part.signature
        for turn in turns
        for part in turn.parts
        if isinstance(part, ToolCall) and part.signature is not None
    }
    if not signatures:
        return turns
    found = []
    for turn in turns:
        parts = tuple(
            msgspec.structs.replace(part, signature=signatures.get(part.id))
            if isinstance(part, ToolCall)
            else part
            for part in turn.parts  # a call with a signature is what was packed, not a call
            if not (isinstance(part, ToolCall) and part.signature is not None)
        )
        if parts:
            found.append(msgspec.structs.replace(turn, parts=parts))
    return found


def answered_by_call_id(turns: list[Turn]) -> list[Turn]:
    """Return turns whose results name calls by `call_id`, where clients gave items' ids."""
    calls = [part for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    known = {call.id for call in calls}
    ids = {call.item_id: call.id for call in calls if call.item_id and call.item_id not in known}
    return [
        msgspec.structs.replace(
            turn,
            parts=tuple(
                msgspec.structs.replace(part, call_id=ids[part.call_id])
                if isinstance(part, ToolResult) and part.call_id in ids
                else part
                for part in turn.parts
            ),
        )
        for turn in turns
    ]


def without_stray_thoughts(turns: list[Turn]) -> list[Turn]:
    """Return turns without thoughts that nothing followed: no provider takes these back."""
    found: list[Turn] = []
    spoken = False
    for turn in reversed(turns):
        thought = all(isinstance(part, Reasoning) for part in turn.parts)
        if not thought:
            spoken = turn.role == "assistant"
        if spoken or not thought:
            found.append(turn)
    return found[::-1]


def parts_of(given: str | Sequence[Json], at: str, field: str = "content") -> tuple[Part, ...]:
    """Return the parts of a message, or of a result."""
    if isinstance(given, str):
        return (Text(text=given),)
    parts = (part_of(part, f"{at}.{field}[{index}]") for index, part in enumerate(given))
    return tuple(part for part in parts if part is not None)


def part_of(native: Json, at: str) -> Part | None:
    """Return one part of a content; of an unknown one its text, None where it has none.

    Raises `Failure` 400.
    """
    kind = native.get("type")
    if not isinstance(kind, str) or kind in content.TYPES:
        return known_part(as_part(native, at), at)
    own = OF_CHAT.get(kind)
    if own is not None:
        message = f"'{kind}' is a part of Chat Completions (fix: write {own})."
        raise invalid_field(f"{at}.type", message)
    text = native.get("text")
    return Text(text=text) if isinstance(text, str) else None


def as_part(native: Json, at: str) -> content.Content:
    """Return a part of a known type. Raises `Failure` 400."""
    part: content.Content = as_struct(native, content.Content, at)  # type: ignore[arg-type]  # union
    return part


def known_part(part: content.Content, at: str) -> Part:
    """Return a part whose type is known."""
    match part:
        case content.InputImage():
            if part.image_url is not None:
                media = media_of(part.image_url, f"{at}.image_url")
            else:
                media = by_id(part.file_id, at)
            return Image(media=media, detail=part.detail)
        case content.InputFile():
            return File(media=file_media(part, at), name=part.filename)
        case content.InputAudio(input_audio=sound):
            return Audio(data=sound.data, format=sound.format)
        case content.RefusalPart():
            return Refusal(text=part.refusal)
        case content.EncryptedContent():
            return Text(text=part.encrypted_content)
    return Text(text=part.text)


def file_media(part: content.InputFile, at: str) -> Media:
    """Return the media of a file."""
    if part.file_data is not None:
        return media_of(part.file_data, f"{at}.file_data")
    if part.file_url is not None:
        return media_of(part.file_url, f"{at}.file_url")
    return by_id(part.file_id, at)


def by_id(file_id: str | None, at: str) -> Media:
    """Return the media of an uploaded file."""
    if file_id is None:
        raise invalid_field(at, f"'{at}' says not where its content is.")
    return Media(file_id=file_id)
