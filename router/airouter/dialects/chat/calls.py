"""The calls of a chat that passes through: each gets an id and a place of its own, and arguments.

Some servers give two calls one id, or one index, or no id or type at all, and nothing for the
arguments of a call that has none, or an object in place of their text. Others repeat id and name in
each piece, which SDKs add to what they have, or count text among the calls, so that the first one
has the index 1, and others say `stop` after a call, at which agents stop. A client could not answer
the ones, and fails at the others. What needs no mending passes to the byte.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airouter.dialects.chat.cut_short import NOT_TOLD
from airouter.dialects.chat.parse_response import CUT, FAULTS, STOPS
from airouter.dialects.chat.pieced_arguments import PiecedArguments, is_more_of
from airouter.dialects.escapes import without_halves
from airouter.dialects.forwarding import DONE, by_event, mendable
from airouter.dialects.framing import LARGE
from airouter.dialects.raw_json import (
    ABSENT,
    RawFields,
    fields_of,
    is_silent,
    raw_json,
    rows_of,
    with_data,
)
from airouter.dialects.unique_ids import UniqueIds, new_call_id
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CALLS = b'"tool_calls"'
"""In what may have calls."""
SOME = re.compile(rb'"tool_calls"\s*:\s*\[\s*\{')
"""In what has some: there are servers that say in each chunk that it has none."""
NO_ARGUMENTS, NOTHING = raw_json("{}"), raw_json(None)
CALLED = raw_json("tool_calls")
FUNCTION, CUSTOM = raw_json("function"), raw_json("custom")
OF_TOOL = frozenset({"arguments", "name"})


class NamedPiece(msgspec.Struct):
    """A tool that is called, or a piece of the arguments for a function."""

    name: str | None = None
    arguments: msgspec.Raw = ABSENT


class CallPiece(msgspec.Struct):
    """A call, or a piece of one."""

    index: int | None = None
    id: str | None = None
    type: str | msgspec.UnsetType | None = msgspec.UNSET
    function: NamedPiece | None = None
    custom: NamedPiece | None = None

    @property
    def kind(self) -> msgspec.Raw:
        """Return the type of the call, whatever its server says of it."""
        return FUNCTION if self.custom is None else CUSTOM

    @property
    def name(self) -> str | None:
        """Return the name of the tool, which the first piece of a call has."""
        tool = self.function or self.custom
        return None if tool is None else tool.name

    @property
    def has_arguments(self) -> bool:
        return self.function is not None and not is_silent(self.function.arguments)

    @property
    def is_object(self) -> bool:
        """True where the arguments are an object, and no text of one."""
        return self.function is not None and bytes(memoryview(self.function.arguments)[:1]) == b"{"

    @property
    def arguments(self) -> str:
        """Return the piece of the function's arguments; empty for one that cannot be read."""
        if self.function is None:
            return ""
        if self.is_object:
            return bytes(self.function.arguments).decode()
        return decoded_or_none(_text, self.function.arguments) or ""


class SaidMessage(msgspec.Struct):
    """A message, or a piece of one."""

    tool_calls: list[CallPiece] | None = None


def calls_in(said: SaidMessage | None) -> list[CallPiece]:
    """Return the calls in a message, or in a piece of one."""
    return (said.tool_calls if said else None) or []


class SaidChoice(msgspec.Struct):
    """A choice, or a piece of one."""

    index: int | None = None
    message: SaidMessage | None = None
    delta: SaidMessage | None = None
    finish_reason: str | None = None

    @property
    def ends(self) -> bool:
        """True where the server says nothing of a call."""
        return self.finish_reason == "stop"

    @property
    def is_cut(self) -> bool:
        """True where a call may lack the rest of its arguments."""
        return self.finish_reason in FAULTS or STOPS.get(self.finish_reason) in CUT


class SaidCompletion(msgspec.Struct):
    """A completion, or a chunk of one."""

    choices: list[SaidChoice] | None = None


Changes = dict[int, RawFields]
"""The new fields of calls, by their places in a list; those in `OF_TOOL` are of the function."""


class ChoiceChanges(NamedTuple):
    """The changes of a choice."""

    calls: Changes
    finish_reason: msgspec.Raw | None = None

    @property
    def any(self) -> bool:
        return bool(self.calls) or self.finish_reason is not None


_completion = msgspec.json.Decoder(SaidCompletion)
_text = msgspec.json.Decoder(str)


def with_mended_calls(body: bytes) -> bytes:
    """Return a whole completion whose calls can be answered."""
    if body.find(CALLS) < 0 or not SOME.search(body):
        return body
    completion = decoded_or_none(_completion, body)
    choices = (completion.choices if completion else None) or []
    ids = UniqueIds()
    changes = [changes_of(choice, ids) for choice in choices]
    return with_changes(body, "message", changes) if any(each.any for each in changes) else body


def changes_of(choice: SaidChoice, ids: UniqueIds) -> ChoiceChanges:
    """Return what changes of a choice with whole calls."""
    changes: Changes = {}
    calls = calls_in(choice.message)
    for at, call in enumerate(calls):
        id_ = ids.unique(call.id or new_call_id())
        if id_ != call.id:
            changes[at] = {"id": raw_json(id_)}
        if not call.type:
            changes.setdefault(at, {})["type"] = call.kind
        if call.function is not None and not (call.has_arguments or choice.is_cut):
            changes.setdefault(at, {})["arguments"] = NO_ARGUMENTS
        elif call.is_object:
            changes.setdefault(at, {})["arguments"] = raw_json(call.arguments)
    return ChoiceChanges(changes, CALLED if calls and choice.ends else None)


def with_changes(data: bytes, field: str, changes: Sequence[ChoiceChanges]) -> bytes:
    """Return a completion with changes of its choices, whose messages stand in `field`."""
    fields = fields_of(data)
    choices = rows_of(fields["choices"])
    for number, changed in enumerate(changes):
        if changed.any:
            choices[number] = raw_json(changed_choice(fields_of(choices[number]), field, changed))
    return msgspec.json.encode(fields | {"choices": raw_json(choices)})


def changed_choice(choice: RawFields, field: str, changed: ChoiceChanges) -> RawFields:
    """Return a choice with other calls, or another reason to stop."""
    if changed.calls:
        said = fields_of(choice[field])
        calls = rows_of(said["tool_calls"])
        for at, new in changed.calls.items():
            calls[at] = raw_json(changed_call(fields_of(calls[at]), new))
        choice[field] = raw_json(said | {"tool_calls": raw_json(calls)})
    if changed.finish_reason is not None:
        choice["finish_reason"] = changed.finish_reason
    return choice


def changed_call(call: RawFields, new: RawFields) -> RawFields:
    """Return a call with other fields."""
    own = {name: value for name, value in new.items() if name not in OF_TOOL}
    of_tool = {name: value for name, value in new.items() if name in OF_TOOL}
    if of_tool:
        kind = "custom" if is_silent(call.get("function", ABSENT)) else "function"
        own[kind] = raw_json(fields_of(call[kind]) | of_tool)
    return call | own


def readings(data: bytes) -> Iterator[bytes]:
    """Yield the data of an event as it came, and without what no decoder takes."""
    yield data
    yield without_halves(data)


class CallMender:
    """The calls of one stream."""

    __slots__ = ("_choices", "_head", "_ids", "_lost")

    def __init__(self) -> None:
        self._ids = UniqueIds()
        self._choices: dict[int, ChoiceCalls] = {}
        self._head: RawFields = {}
        """The fields of a chunk with calls, but for its choices."""
        self._lost = False
        """True once there was a chunk that cannot be read: nothing is known of what comes later."""

    def feed(self, events: bytes) -> bytes:
        """Return whole events for the client."""
        return by_event(events, self._mended)

    def _mended(self, event: bytes) -> bytes:
        frame = None if self._lost else mendable(event)
        if frame is None:
            self._lost = self._lost or len(event) > LARGE
            return event
        if frame.data == DONE:
            return b"".join(map(self._end, self._choices)) + event
        for data in readings(frame.data):
            chunk = decoded_or_none(_completion, data)
            if chunk is not None:
                return self._with_calls(event, data, chunk.choices or ())
        self._lost = True
        return event

    def _with_calls(self, event: bytes, data: bytes, choices: Sequence[SaidChoice]) -> bytes:
        if not self._head:
            self._head = {k: v for k, v in fields_of(data).items() if k not in NOT_TOLD}
        changes = [self._of(choice).changes_of(choice) for choice in choices]
        ended = (each.index or 0 for each in choices if each.finish_reason)
        before = b"".join(map(self._end, ended))
        if any(each.any for each in changes):
            event = with_data(event, with_changes(data, "delta", changes))
        return before + event

    def _of(self, choice: SaidChoice) -> ChoiceCalls:
        index = choice.index or 0
        known = self._choices.get(index)
        if known is None:
            known = self._choices[index] = ChoiceCalls(self._ids)
        return known

    def _end(self, index: int) -> bytes:
        """Return a chunk that gives the calls of a choice the arguments that they lack."""
        silent = self._choices[index].silent()
        if not silent:
            return b""
        delta = {"tool_calls": [{"index": at, "function": {"arguments": "{}"}} for at in silent]}
        choice = {"index": index, "delta": delta, "finish_reason": None}
        return with_data(b"", msgspec.json.encode(self._head | {"choices": raw_json([choice])}))


class ChoiceCalls:
    """The calls of one choice."""

    __slots__ = ("_begun", "_ids", "_newest", "_silent")

    def __init__(self, ids: UniqueIds) -> None:
        self._ids = ids
        self._newest: dict[int | None, ToldCall] = {}
        """The last call at each index of the server's."""
        self._begun = 0
        """Calls so far: SDKs put each into a list by its index."""
        self._silent: set[int] = set()
        """Functions that are called without arguments so far."""

    def changes_of(self, choice: SaidChoice) -> ChoiceChanges:
        """Return what changes of a chunk."""
        calls = self._feed(choice)
        return ChoiceChanges(calls, CALLED if self._begun and choice.ends else None)

    def _feed(self, choice: SaidChoice) -> Changes:
        """Return what changes of the pieces in a chunk."""
        changes: Changes = {}
        begun: dict[int, int] = {}
        for at, piece in enumerate(calls_in(choice.delta)):
            call = self._newest.get(piece.index)
            begins = call is None or call.is_other_than(piece)
            if call is None or begins:
                call = self._begin(piece)
                begun[call.index] = at
            call.arguments.add(piece.arguments)
            changed = call.changes_of(piece, begins=begins)
            if changed:
                changes[at] = changed
            if piece.has_arguments:
                self._silent.discard(call.index)
            elif begins and piece.function is not None:
                self._silent.add(call.index)
        if choice.is_cut:
            self._silent.clear()
        elif choice.finish_reason:  # too late for a chunk of its own
            for index in self._silent & begun.keys():
                self._silent.remove(index)
                changes.setdefault(begun[index], {})["arguments"] = NO_ARGUMENTS
        return changes

    def silent(self) -> list[int]:
        """Return the functions that are called without arguments, once."""
        silent = sorted(self._silent)
        self._silent.clear()
        return silent

    def _begin(self, piece: CallPiece) -> ToldCall:
        id_ = self._ids.unique(piece.id or new_call_id())
        call = self._newest[piece.index] = ToldCall(piece, id_, self._begun)
        self._begun += 1
        return call


class ToldCall:
    """A call, as its server named it and as its client knows it."""

    __slots__ = ("_given", "_id", "_name", "arguments", "index")

    def __init__(self, given: CallPiece, id_: str, index: int) -> None:
        self._given = given
        self._id = id_
        self._name = ""
        """The name so far, as the client puts it together."""
        self.arguments = PiecedArguments()
        self.index = index

    def is_other_than(self, piece: CallPiece) -> bool:
        """Return True for a piece that begins a call beside this one."""
        if not piece.name or self._goes_on(piece):
            return False
        other_name = self._given.name is not None and piece.name != self._name
        if other_name or (piece.id and piece.id != self._given.id):
            return True
        return self.arguments.are_over_before(piece.arguments)

    def _goes_on(self, piece: CallPiece) -> bool:
        """Return True for more of a name that comes in pieces."""
        is_same = piece.index is not None and piece.id in (None, "", self._given.id)
        return is_same and not self.arguments and is_more_of(self._name, piece.name or "")

    def changes_of(self, piece: CallPiece, *, begins: bool) -> RawFields:
        """Return the new id and index of a piece, where it needs them."""
        changes: RawFields = {}
        if begins and piece.id != self._id:
            changes["id"] = raw_json(self._id)
        if not begins:  # clients add what comes later to what they have
            if piece.id:
                changes["id"] = NOTHING
            if piece.name and piece.name == self._name:
                changes["name"] = NOTHING
        if piece.name != self._name:
            self._name += piece.name or ""
        if not piece.type and (begins or piece.type is not msgspec.UNSET):
            changes["type"] = piece.kind
        if piece.is_object:
            changes["arguments"] = raw_json(piece.arguments)
        if piece.index != self.index:
            changes["index"] = raw_json(self.index)
        return changes
