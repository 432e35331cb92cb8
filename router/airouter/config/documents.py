"""YAML documents as trees that know their lines.

Built from the parser's events and not by `yaml.load`, so that nesting, aliases and the number of
values stay bounded, keys given twice are noticed, and scalars mean what they mean to Kubernetes: a
date is a string, a key is always a string, and there is nothing that JSON does not have.
`manifest.py` makes sense of the documents.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from airouter.config.findings import FieldProblem, NamedItem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airouter.config.findings import Path, Steps

MAX_DEPTH = 64
MAX_VALUES = 200_000
INTEGERS = range(-(2**63), 2**64)  # those of msgspec's JSON

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

TAG = "tag:yaml.org,2002:"
MERGE = "<<"
RESOLVER: Any = yaml.resolver.Resolver()
CONSTRUCTOR = yaml.constructor.SafeConstructor()
YES_AND_NO = {"y": True, "Y": True, "n": False, "N": False}
OCTAL = re.compile(r"[-+]?0o[0-7]+")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
"""What kubectl's parser takes for a number, and PyYAML for text: 1e3, 08."""
TYPES = {name: f"construct_yaml_{name}" for name in ("null", "bool", "int", "float")}


class Unreadable(Exception):
    """A text of which nothing can be used: what is wrong, how to mend it, and where."""

    def __init__(self, what: str, fix: str = "", line: int = 0) -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix
        self.line = line


@dataclass(slots=True)
class Node:
    """A value, the line it begins in (from 1), and what is inside it."""

    value: Any = field(repr=False)  # it may be a key
    line: int
    children: dict[Any, Node] = field(default_factory=dict, repr=False)
    """Children by key, or by position in a list."""
    size: int = 1
    """Number of values, aliases written out and this one included."""
    height: int = 0
    """Number of levels below."""
    names: dict[str, int] | None = field(default=None, repr=False)
    """Positions by name, filled at the first look-up."""

    def line_of(self, path: Path) -> int:
        """Return the line of a field, or of the innermost written value around it."""
        node = self
        for step in path:
            child = node.children.get(node.position(step) if isinstance(step, NamedItem) else step)
            if child is None:
                break
            node = child
        return node.line

    def position(self, step: NamedItem) -> int:
        """Return the position in this list of the first item with a name; -1 if there is none."""
        if self.names is None:
            self.names = {}
            for position, item in self.children.items():
                name = item.value.get("name") if isinstance(item.value, dict) else None
                if isinstance(name, str):
                    self.names.setdefault(name, position)
        return self.names.get(step.name, -1)


class Document(NamedTuple):
    """One YAML document and the mistakes of its writing."""

    root: Node
    problems: list[FieldProblem]


def documents(text: str) -> Iterator[Document]:
    """Yield the documents of a text that hold anything. Raises `Unreadable`."""
    events = yaml.parse(text, Loader=LOADER)
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                builder = Builder(events)
                root = builder.build(next(events))
                if root.value is not None or builder.problems:
                    yield Document(root, builder.problems)
    except yaml.YAMLError as error:
        raise syntax_error(error, text) from None


def syntax_error(error: yaml.YAMLError, text: str) -> Unreadable:
    """Return the parser's error; its messages quote single characters at most."""
    mark = getattr(error, "problem_mark", None)
    if mark is not None:
        last = text.rstrip("\n").count("\n") + 1
        what = f"is not YAML: {getattr(error, 'problem', '')}"
        return Unreadable(what, line=min(mark.line + 1, last))
    before = text.encode()[: getattr(error, "position", 0)]
    return Unreadable("holds a control character", line=before.count(b"\n") + 1)


class Builder:
    """Builds the tree of one document."""

    def __init__(self, events: Iterator[Any]) -> None:
        self.problems: list[FieldProblem] = []
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._values = 0

    def build(self, event: Any, path: Steps = ()) -> Node:
        """Build the node that begins with an event, at a path of the document."""
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, path)
        self._admit(event, 1, len(path))
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, path)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, path)
        else:
            node = Node(self._scalar(event, path), line_of_event(event))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _admit(self, event: Any, size: int, depth: int) -> None:
        """Count `size` more values and check a depth. Raises `Unreadable`."""
        self._values += size
        if self._values > MAX_VALUES:
            raise Unreadable(
                "holds too many values", f"use at most {MAX_VALUES}", line_of_event(event)
            )
        if depth > MAX_DEPTH:
            raise Unreadable(
                "is nested too deeply", f"use at most {MAX_DEPTH} levels", line_of_event(event)
            )

    def _alias(self, event: Any, path: Steps) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            what = "has an alias whose anchor is not defined before it"
            raise Unreadable(what, line=line_of_event(event))
        # An alias counts as all that it stands for: a few nested ones expand to billions of values.
        self._admit(event, node.size, len(path) + node.height)
        return replace(node, line=line_of_event(event))

    def _mapping(self, start: Any, path: Steps) -> Node:
        self._check_tag(start, "map", path)
        children: dict[str, Node] = {}
        merged: list[Node] = []
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            name = mapping_key(key)
            node = self.build(next(self._events), (*path, name))
            if tag_of(key) == "bool":
                self._note(key, (*path, name), "is a boolean", "put it in quotes")
            if name == MERGE and key.implicit[0]:
                merged += self._merged(node, path)
            elif name in children:
                self._note(key, (*path, name), "is given twice", "give each key once")
            else:
                # The key's line, where an editor should jump; a value may begin further down.
                children[name] = replace(node, line=line_of_event(key))
        # YAML's merge: a mapping's own keys win, then the first of the merged mappings.
        for node in merged:
            children = node.children | children
        return branch({name: child.value for name, child in children.items()}, start, children)

    def _merged(self, node: Node, path: Steps) -> list[Node]:
        """Return the mappings under a merge key; the first wins."""
        nodes = list(node.children.values()) if isinstance(node.value, list) else [node]
        if all(isinstance(each.value, dict) for each in nodes):
            return nodes
        self.problems.append(
            FieldProblem(path, "merges something that is not a mapping", line=node.line)
        )
        return []

    def _sequence(self, start: Any, path: Steps) -> Node:
        self._check_tag(start, "seq", path)
        children: dict[int, Node] = {}
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            children[len(children)] = self.build(item, (*path, len(children)))
        return branch([child.value for child in children.values()], start, children)

    def _scalar(self, event: Any, path: Steps) -> Any:
        try:
            return value_of(tag_of(event), event.value)
        except (ValueError, LookupError):
            fix = "use a string, a number, true, false or null"
            self._note(event, path, "has a value that cannot be used", fix)
            return None

    def _check_tag(self, event: Any, kind: str, path: Steps) -> None:
        if event.tag not in {None, "!", TAG + kind}:
            self._note(event, path, "has an unknown tag", "remove the tag")

    def _note(self, event: Any, path: Steps, what: str, fix: str) -> None:
        self.problems.append(FieldProblem(path, what, fix, line_of_event(event)))


def line_of_event(event: Any) -> int:
    """Return the line of an event, from 1."""
    return int(event.start_mark.line) + 1


def branch(value: Any, start: Any, children: dict[Any, Node]) -> Node:
    """Build a node that has children."""
    size = 1 + sum(child.size for child in children.values())
    height = 1 + max((child.height for child in children.values()), default=-1)
    return Node(value, line_of_event(start), children, size, height)


def mapping_key(event: Any) -> str:
    """Return the key of a mapping, as written. Raises `Unreadable`."""
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    raise Unreadable(
        "has a key that is not a scalar", "put a word before the colon", line_of_event(event)
    )


def tag_of(event: Any) -> str:
    """Return the type of a scalar: its tag, or the type that an unquoted text looks like."""
    if event.tag is not None and event.tag != "!":
        return str(event.tag).removeprefix(TAG)
    if event.tag == "!" or not event.implicit[0]:
        return "str"
    resolved = RESOLVER.resolve(yaml.ScalarNode, event.value, (True, False))
    tag = str(resolved).removeprefix(TAG)
    # To YAML 1.1 1:30 is 90 in base 60; to Kubernetes it is a string.
    return tag if tag in TYPES and ":" not in event.value else tag_of_text(event.value)


def tag_of_text(text: str) -> str:
    """Return the type that kubectl's parser gives to what is text to PyYAML's."""
    if text in YES_AND_NO:
        return "bool"
    if OCTAL.fullmatch(text):
        return "int"
    return "float" if NUMBER.fullmatch(text) else "str"


def value_of(tag: str, text: str) -> Any:
    """Return a scalar's value. Raises `ValueError` or `LookupError` for one that JSON has not."""
    if tag == "str":
        text.encode()  # an escape such as \ud800 makes text that no encoding has
        return text
    if text in YES_AND_NO and tag == "bool":
        return YES_AND_NO[text]
    construct = getattr(CONSTRUCTOR, TYPES[tag])
    value = construct(yaml.ScalarNode(TAG + tag, text))
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(tag)
    if isinstance(value, float) and value.is_integer() and int(value) in INTEGERS:
        return int(value)  # as it comes to the API server
    if isinstance(value, int) and value not in INTEGERS:
        raise ValueError(tag)
    return value
