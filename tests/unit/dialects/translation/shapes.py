"""Requests that grow: each shape is a wish with `n` of something, in whatever way that can be."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from airouter.dialects.conversation import Reasoning, Signature
from airouter.dialects.provenance import pack_parts
from unit.dialects.translation.wording import HELLO, Call, Give, Offer, Say, Turn, Wish

Shape = Callable[[int], Wish]

PNG = "data:image/png;base64,aGk="
PDF = "data:application/pdf;base64,aGk="
PACKED = pack_parts([Reasoning(text="t", signature=Signature(maker="m", value="v"))])


def ids(n: int) -> list[str]:
    """Ids of calls."""
    return [f"call_{number}" for number in range(n)]


def names(n: int) -> list[str]:
    """Names of tools, of one length, so that they differ only at their ends."""
    return [f"the_tool_that_has_the_number_{number:08d}" for number in range(n)]


def offers(n: int, **more: Any) -> list[Offer]:
    """Tools."""
    return [Offer(name, **more) for name in names(n)]


def turns(n: int, *each: Turn) -> list[Turn]:
    """Some turns again and again."""
    return [*each] * n


def rounds(n: int, parts: Any = "done") -> list[Turn]:
    """Calls one after another."""
    found: list[Turn] = [HELLO]
    for id_ in ids(n):
        found += [Call([id_]), Give([id_], parts)]
    return found


def parallel(n: int, parts: Any = "done") -> list[Turn]:
    """Calls beside each other."""
    return [HELLO, Call(ids(n)), Give(ids(n), parts)]


def said(n: int, part: dict[str, Any], role: str = "user") -> Wish:
    """A message of many parts."""
    message = Say(role, [part] * n)
    return Wish([message] if role == "user" else [HELLO, message, HELLO])


def properties(n: int, **of_each: Any) -> dict[str, Any]:
    """The schema of an object."""
    each = {"type": "string", **of_each}
    fields = dict.fromkeys(names(n), each)
    return {"type": "object", "properties": fields, "required": list(fields)}


def deep(n: int) -> dict[str, Any]:
    """A schema in a schema; at most as deep as the decoder takes."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(min(n, 200)):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def items(n: int, **fields: Any) -> Wish:
    """Items of Responses that other APIs do not have."""
    hello = {"role": "user", "content": "hello"}
    return Wish(more={"input": [*[fields] * n, hello]})


def shell_calls(n: int) -> Wish:
    """Calls of the client's shell, whose results name the items of the calls."""
    action = {"type": "exec", "command": ["ls"]}
    given: list[dict[str, Any]] = []
    for id_ in ids(n):
        given += [
            {"type": "local_shell_call", "id": f"lsh_{id_}", "call_id": id_, "action": action},
            {"type": "local_shell_call_output", "id": f"lsh_{id_}", "output": "done"},
        ]
    return Wish(more={"input": given})


def in_order(*orders: list[str]) -> list[Turn]:
    """Calls, and their results in another order."""
    first, *others = orders
    return [HELLO, Call(first), *(Give(order) for order in others)]


def numbered(n: int) -> Iterator[tuple[str, int]]:
    """Keys, and a number each."""
    return ((name, 1) for name in names(n))


TURNS: dict[str, Shape] = {
    "messages of the user": lambda n: Wish(turns(n, HELLO)),
    "alternating messages": lambda n: Wish(turns(n, HELLO, Say("assistant", "hi"))),
    "messages of the model between blank ones": lambda n: Wish(
        [HELLO, *turns(n, Say("user", " "), Say("assistant", "hi"))]
    ),
    "messages of the user between blank ones": lambda n: Wish(
        [HELLO, *turns(n, Say("assistant", " "), HELLO)]
    ),
    "leading instructions": lambda n: Wish([*turns(n, Say("system", "be brief")), HELLO]),
    "later instructions": lambda n: Wish(turns(n, HELLO, Say("developer", "be brief"))),
    "instructions after the model": lambda n: Wish(
        [HELLO, *turns(n, Say("assistant", "hi"), Say("system", "x"), HELLO)]
    ),
    "a text of many parts": lambda n: said(n, {"text": "hi"}),
    "an answer of many parts": lambda n: said(n, {"text": "hi"}, "assistant"),
    "many refusals": lambda n: said(n, {"refusal": "no"}, "assistant"),
    "images": lambda n: said(n, {"image": PNG}),
    "images by URL": lambda n: said(n, {"image": "https://example.com/a.png"}),
    "files": lambda n: said(n, {"file": PDF, "name": "a.pdf"}),
    "cache marks": lambda n: said(
        n, {"text": "hi", "more": {"cache_control": {"type": "ephemeral"}}}
    ),
    "thoughts": lambda n: Wish(
        [HELLO, Say("assistant", [*[{"thought": PACKED}] * n, {"text": "hi"}]), HELLO]
    ),
    "foreign thoughts": lambda n: Wish(
        [HELLO, Say("assistant", [*[{"thought": "signed"}] * n, {"text": "hi"}]), HELLO]
    ),
    "a long text": lambda n: Wish([Say("user", 'a"\\\n' * n)]),
    "a long data URL": lambda n: said(1, {"image": "data:image/png;base64," + "aGk=" * n}),
    "a long media type": lambda n: said(1, {"image": f"data:{'a;' * n};base64,aGk="}),
    "a long name of a file": lambda n: said(1, {"file": PDF, "name": "a . _" * n + ".pdf"}),
    "a long URL": lambda n: said(1, {"image": "https://example.com/" + "a/" * n}),
}
CALLS: dict[str, Shape] = {
    "calls beside each other": lambda n: Wish(parallel(n), offers(1)),
    "calls one after another": lambda n: Wish(rounds(n), offers(1)),
    "calls without tools": lambda n: Wish(rounds(n)),
    "calls of different tools": lambda n: Wish(
        [HELLO, *(t for i in ids(n) for t in (Call([i], name=i), Give([i])))]
    ),
    "results in the reverse order": lambda n: Wish(in_order(ids(n), ids(n)[::-1]), offers(1)),
    "results one by one": lambda n: Wish(in_order(ids(n), *([i] for i in ids(n))), offers(1)),
    "calls without results": lambda n: Wish([HELLO, Call(ids(n)), HELLO], offers(1)),
    "results without calls": lambda n: Wish([HELLO, Give(ids(n))], offers(1)),
    "one result too many": lambda n: Wish([*rounds(n), Give(["x"])], offers(1)),
    "one result too few": lambda n: Wish([*rounds(n), Call(["x"]), HELLO], offers(1)),
    "one id again and again": lambda n: Wish([HELLO, Call(["x"] * n), Give(["x"])], offers(1)),
    "one id in many rounds": lambda n: Wish([HELLO, *turns(n, Call(["x"]), Give(["x"]))]),
    "results of many parts": lambda n: Wish(rounds(1, [{"text": "x"}] * n), offers(1)),
    "results with images": lambda n: Wish(parallel(n, [{"image": PNG}]), offers(1)),
    "calls of custom tools": lambda n: Wish(
        [HELLO, Call(ids(n), custom=True), Give(ids(n))], offers(1, custom=True)
    ),
    "calls by the ids of their items": shell_calls,
    "long arguments": lambda n: Wish(
        [HELLO, Call(["x"], arguments=json.dumps(dict(numbered(n)))), Give(["x"])], offers(1)
    ),
    "a long id": lambda n: Wish([HELLO, Call(["x." * n]), Give(["x." * n])], offers(1)),
    "ids with packed thoughts": lambda n: Wish(
        [HELLO, *(t for i in ids(n) for t in (Call([i + PACKED]), Give([i + PACKED])))], offers(1)
    ),
    "a long packed word": lambda n: Wish(
        [HELLO, Call(["x" + "__airouter1_" * n]), Give(["x" + "__airouter1_" * n])], offers(1)
    ),
    "speech between calls": lambda n: Wish(
        [HELLO, *(t for i in ids(n) for t in (Say("assistant", "a"), Call([i]), Give([i])))],
        offers(1),
    ),
}
TOOLS: dict[str, Shape] = {
    "tools": lambda n: Wish(tools=offers(n)),
    "strict tools": lambda n: Wish(tools=offers(n, strict=True)),
    "custom tools": lambda n: Wish(tools=offers(n, custom=True)),
    "a choice of many tools": lambda n: Wish(tools=offers(n), chosen=names(n)),
    "a choice of the same tool": lambda n: Wish(tools=offers(n), chosen=names(n)[-1:] * n),
    "a choice of one tool among many": lambda n: Wish(tools=offers(n), chosen=names(n)[-1:]),
    "a choice of tools that are not there": lambda n: Wish(
        tools=offers(n), chosen=[f"no_{name}" for name in names(n)]
    ),
    "many calls and many tools": lambda n: Wish(
        [
            HELLO,
            *(t for name in names(n) for t in (Call([name], name=name), Give([name]))),
        ],
        offers(n),
    ),
    "a tool of many properties": lambda n: Wish(tools=offers(1, schema=properties(n))),
    "a strict tool of many properties": lambda n: Wish(
        tools=offers(1, schema=properties(n, minLength=2), strict=True)
    ),
    "a deep tool": lambda n: Wish(tools=offers(1, schema=deep(n), strict=True)),
    "a long description": lambda n: Wish(tools=offers(1, description="word " * n)),
    "a long name of a tool": lambda n: Wish(tools=[Offer("a b" * n)], chosen=["a b" * n]),
}
FIELDS: dict[str, Shape] = {
    "a schema of many properties": lambda n: Wish(schema=properties(n)),
    "a schema of many bounds": lambda n: Wish(schema=properties(n, minLength=2, maxLength=9)),
    "a schema of many choices": lambda n: Wish(
        schema={"oneOf": [{"type": "object", "properties": {"a": {"enum": [1]}}}] * n}
    ),
    "an enumeration": lambda n: Wish(schema={"enum": names(n)}),
    "a deep schema": lambda n: Wish(schema=deep(n)),
    "stop sequences": lambda n: Wish(stops=names(n)),
    "metadata": lambda n: Wish(metadata=dict.fromkeys(names(n), "value")),
    "unknown fields": lambda n: Wish(more=dict.fromkeys(names(n), 1)),
    "a deep field": lambda n: Wish(more={"metadata": {"a": deep(n)}}),
    "a long model": lambda n: Wish(more={"model": "claude-gpt-5-" * n}),
    "a bias of tokens": lambda n: Wish(more={"logit_bias": dict(numbered(n))}),
    "modalities": lambda n: Wish(more={"modalities": ["text"] * n}),
    "a long user": lambda n: Wish(more={"user": "user " * n}),
    "items that add tools": lambda n: items(
        n, type="additional_tools", tools=[{"type": "function", "name": "f"}]
    ),
    "items that change settings": lambda n: items(
        n, type="configuration_update", reasoning={"effort": "low"}
    ),
    "items of the provider's": lambda n: items(n, type="web_search_call", id="ws_1"),
    "references": lambda n: items(n, type="item_reference", id="msg_1"),
    "namespaces": lambda n: Wish(
        more={
            "tools": [
                {"type": "namespace", "name": name, "tools": [{"type": "function", "name": "f"}]}
                for name in names(n)
            ]
        }
    ),
    "a choice of namespaces": lambda n: Wish(
        more={
            "tools": [
                {"type": "namespace", "name": name, "tools": [{"type": "function", "name": "f"}]}
                for name in names(n)
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "namespace", "name": name} for name in names(n)],
            },
        }
    ),
    "tools of the provider's": lambda n: Wish(more={"tools": [{"type": "web_search"}] * n}),
}
SHAPES = TURNS | CALLS | TOOLS | FIELDS
