"""Tools that ran at the provider, as items: a search of the web, and code.

Anthropic and Gemini tell of each in two parts, the call and its result, which come here as they
wrote them. The results stand in the text and its citations, so an item has the query alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import Json, Opaque
    from airouter.dialects.responses.event_writer import EventWriter

WEB, CODE = "web_search_call", "code_interpreter_call"
RUNNING = {WEB: "searching", CODE: "interpreting"}
RUNS_CODE = frozenset({"code_execution", "bash_code_execution"})
FAILED = frozenset({"OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"})


class HostedCall:
    """A call of a provider's own tool, whose result may follow."""

    __slots__ = ("_key", "item")

    def __init__(self, item: Json, key: str | None) -> None:
        """Take the `key` by which a result names the call; Gemini's results have none."""
        self.item = item
        self._key = key

    def is_answered_by(self, part: Opaque) -> bool:
        """Return True where a part is the result of the call."""
        if part.dialect == "gemini":
            return "codeExecutionResult" in part.native
        return part.native.get("tool_use_id") == self._key

    def ended(self, result: Opaque | None) -> Json:
        """Return the item of a call that is over; a missing result counts as a success."""
        said, failed = (None, False) if result is None else tool_outcome(result)
        item = {**self.item, "status": "failed" if failed else "completed"}
        if item["type"] == CODE and said is not None:
            item["outputs"] = [{"type": "logs", "logs": said}]
        return item

    def begin(self, out: EventWriter) -> bytes:
        """Return the events of the beginning; all that is asked is known by then."""
        kind = self.item["type"]
        begun = out.add({**self.item, "code": ""} if kind == CODE else self.item)
        begun += out.event(f"response.{kind}.in_progress", out.where())
        if kind == CODE:
            code = self.item["code"]
            name = "response.code_interpreter_call_code"
            if code:
                begun += out.event(f"{name}.delta", {**out.where(), "delta": code})
            begun += out.event(f"{name}.done", {**out.where(), "code": code})
        return begun + out.event(f"response.{kind}.{RUNNING[kind]}", out.where())

    def end(self, out: EventWriter, result: Opaque | None) -> bytes:
        """Return the events of the end."""
        item = self.ended(result)
        done = b""
        if item["status"] == "completed":
            done = out.event(f"response.{item['type']}.completed", out.where())
        return done + out.finish(item)


def hosted_call(part: Opaque, id_of: Callable[[str], str]) -> HostedCall | None:
    """Return the call in a part; None for a result, and for tools without an item here."""
    native = part.native
    if part.dialect == "gemini":
        code = native.get("executableCode")
        return None if code is None else HostedCall(code_item(code.get("code"), id_of("ci")), None)
    if native.get("type") != "server_tool_use":
        return None
    asked = native.get("input")
    asked = asked if isinstance(asked, dict) else {}
    if native.get("name") == "web_search":
        return HostedCall(search_item(asked.get("query"), id_of("ws")), native.get("id"))
    if native.get("name") in RUNS_CODE:
        code = asked.get("code") or asked.get("command")
        return HostedCall(code_item(code, id_of("ci")), native.get("id"))
    return None


def search_item(query: object, id_: str) -> Json:
    """Return the item of a search of the web."""
    text = query if isinstance(query, str) else ""
    action = {"type": "search", "query": text, "queries": [text]}
    return {"id": id_, "type": WEB, "status": "in_progress", "action": action}


def code_item(code: object, id_: str) -> Json:
    """Return the item of code that ran; its container is nobody else's business."""
    return {
        "id": id_,
        "type": CODE,
        "status": "in_progress",
        "code": code if isinstance(code, str) else "",
        "container_id": "",
        "outputs": None,
    }


def tool_outcome(result: Opaque) -> tuple[str | None, bool]:
    """Return the output of a result, and True where the tool failed."""
    if result.dialect == "gemini":
        found = result.native["codeExecutionResult"]
        return str(found.get("output") or ""), found.get("outcome") in FAILED
    content = result.native.get("content")
    if not isinstance(content, dict):  # a list of pages
        return None, False
    if "error_code" in content:
        return str(content["error_code"]), True
    said = [content.get(name) for name in ("stdout", "stderr")]
    return "".join(text for text in said if isinstance(text, str)), False
