"""What the strict Anthropic wants of tools, their calls and their results."""

from __future__ import annotations

import re
from collections import Counter
from itertools import zip_longest

from contract.services.anthropic.refusals import Refusal, invalid
from contract.services.anthropic.request import Block, Request, Turn

NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
ID = re.compile(r"[a-zA-Z0-9_-]+")
CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_", "browser_")
"""How the types of tools begin that run at the client."""


def tools_are_well_named(request: Request) -> None:
    for number, tool in enumerate(request.tools):
        if not NAME.fullmatch(tool.get("name", "unnamed")):
            raise invalid(
                f"tools.{number}.custom.name: String should match pattern"
                " '^[a-zA-Z0-9_-]{1,128}$'"
            )


def tools_are_named_once(request: Request) -> None:
    names = [tool["name"] for tool in request.tools if "name" in tool]
    if len(names) != len(set(names)):
        raise invalid("tools: Tool names must be unique.")


def inputs_are_objects(request: Request) -> None:
    for number, tool in enumerate(request.tools):
        place = f"tools.{number}.custom.input_schema.type"
        schema = tool.get("input_schema")
        if schema is not None and "type" not in schema:
            raise invalid(f"{place}: Field required")
        if schema is not None and schema["type"] != "object":
            raise invalid(f"{place}: Input should be 'object'")
        if schema is not None and schema.keys() & {"anyOf", "oneOf", "allOf"}:
            raise invalid(
                f"tools.{number}.custom.input_schema: input_schema does not support oneOf, allOf,"
                " or anyOf at the top level"
            )


def a_choice_is_among_the_tools(request: Request) -> None:
    choice = request.body.get("tool_choice")
    if choice is None:
        return
    if not request.tools:
        raise invalid("tool_choice: tool_choice may only be specified while providing tools")
    name = choice.get("name")
    if choice["type"] == "tool" and name not in {tool.get("name") for tool in request.tools}:
        raise invalid(f"tool_choice: Tool '{name}' not found in provided tools")


def nothing_is_forced_while_thinking(request: Request) -> None:
    choice = request.body.get("tool_choice") or {}
    thinks = request.thinking.get("type") in {"enabled", "adaptive"}
    if thinks and choice.get("type") in {"any", "tool"}:
        raise invalid("Thinking may not be enabled when tool_choice forces tool use.")


def server_tools_are_not_counted(request: Request) -> None:
    for tool in request.tools:
        kind = tool.get("type") or "custom"
        if request.counting and not kind.startswith(CLIENT_TOOLS):
            raise invalid(
                f"Server tools are not supported in the count_tokens endpoint: {kind}. Use the"
                " /v1/messages endpoint instead."
            )


def calls_have_tools(request: Request) -> None:
    """Calls in the history ask for the tools to be there too."""
    called = any(block.type in {"tool_use", "tool_result"} for block in request.blocks)
    if called and not request.tools:
        raise invalid(
            "Requests which include `tool_use` or `tool_result` blocks must define tools."
        )


def ids_are_well_formed(request: Request) -> None:
    for block in request.blocks:
        name = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block.type)
        if name and not ID.fullmatch(block.body[name]):
            raise invalid(
                f"{block.place}.{block.type}.{name}: String should match pattern '^[a-zA-Z0-9_-]+$'"
            )
        if block.type == "tool_use" and not NAME.fullmatch(block.body["name"]):
            raise invalid(
                f"{block.place}.tool_use.name: String should match pattern"
                " '^[a-zA-Z0-9_-]{1,128}$'"
            )


def ids_are_unique_in_a_turn(request: Request) -> None:
    """In another turn an id may come again (recorded)."""
    for turn in request.turns:
        seen: set[str] = set()
        for block in turn.of_type("tool_use"):
            if block.body["id"] in seen:
                raise invalid(f"{block.place}: `tool_use` ids must be unique")
            seen.add(block.body["id"])


def calls_are_answered(request: Request) -> None:
    """Every call by the very first blocks of the turn that follows."""
    for turn, following in zip_longest(request.turns, request.turns[1:]):
        answered = {block.body["tool_use_id"] for block in leading_results(following)}
        called = [block.body["id"] for block in turn.of_type("tool_use")]
        missing = [each for each in called if each not in answered]
        if missing:
            raise unanswered(turn, missing)


def leading_results(turn: Turn | None) -> list[Block]:
    """The results before anything else in a turn."""
    blocks = turn.blocks if turn is not None and turn.role == "user" else []
    others = (position for position, each in enumerate(blocks) if each.type != "tool_result")
    return blocks[: next(others, len(blocks))]


def unanswered(turn: Turn, ids: list[str]) -> Refusal:
    return invalid(
        f"{turn.place}: `tool_use` ids were found without `tool_result` blocks immediately after:"
        f" {', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in"
        " the next message."
    )


def results_have_calls(request: Request) -> None:
    """Every result one call in the turn before, and no call two results."""
    for before, turn in zip([None, *request.turns], request.turns, strict=False):
        called = {block.body["id"] for block in before.of_type("tool_use")} if before else set()
        results = turn.of_type("tool_result")
        times = Counter(block.body["tool_use_id"] for block in results)
        for block in results:
            id_ = block.body["tool_use_id"]
            if id_ not in called:
                raise uncalled(block, id_, "tool_use", "in the previous message")
            if times[id_] > 1:
                raise invalid(
                    f"{results[-1].place}: each tool_use must have a single result. Found multiple"
                    f" `tool_result` blocks with id: {id_}"
                )


def server_results_have_calls(request: Request) -> None:
    """What ran at the service stands after its call."""
    called: set[str] = set()
    for block in request.blocks:
        if block.type == "server_tool_use":
            called.add(block.body["id"])
        elif block.type.endswith("_tool_result") and "tool_use_id" in block.body:
            id_ = block.body["tool_use_id"]
            if id_ not in called and not block.type.startswith("mcp_"):
                raise uncalled(block, id_, "server_tool_use", "before it")


def uncalled(block: Block, id_: str, call: str, where: str) -> Refusal:
    return invalid(
        f"{block.place}: unexpected `tool_use_id` found in `{block.type}` blocks: {id_}. Each"
        f" `{block.type}` block must have a corresponding `{call}` block {where}."
    )


TOOL_RULES = (
    tools_are_well_named,
    tools_are_named_once,
    inputs_are_objects,
    a_choice_is_among_the_tools,
    nothing_is_forced_while_thinking,
    server_tools_are_not_counted,
    calls_have_tools,
    ids_are_well_formed,
    ids_are_unique_in_a_turn,
    calls_are_answered,
    results_have_calls,
    server_results_have_calls,
)
