"""The worst that we know of, by name. Each takes a target, and returns once it is sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from benchmarks.hostile.inputs import bodies, connections, sessions, structures
from benchmarks.hostile.sending import Target

Input = Callable[[Target], Awaitable[None]]

INPUTS: dict[str, Input] = {
    each.__name__.replace("_", "-"): each
    for each in (
        bodies.wrong_keys,
        bodies.large_chats,
        bodies.escaped_chats,
        bodies.wide_texts,
        bodies.large_messages,
        bodies.large_responses,
        bodies.broken_bodies,
        bodies.unfinished_bodies,
        structures.many_values,
        structures.deep_values,
        structures.many_tools,
        structures.packed_objects,
        structures.many_references,
        structures.conversation_bodies,
        structures.large_conversations,
        structures.background_jobs,
        structures.packed_bombs,
        connections.unfinished_heads,
        connections.tiny_chunks,
        connections.pipelined_requests,
        connections.crowds,
        connections.opened_pages,
        connections.unread_streams,
        connections.unread_answers,
        connections.aborted_streams,
        sessions.tiny_frames,
        sessions.pings,
        sessions.large_frames,
        sessions.deflated_frames,
        sessions.large_warm_ups,
        sessions.unfinished_frames,
    )
}
PAIRS = [
    "many-references+wide-texts",
    "large-conversations+wide-texts",
    "large-messages+wide-texts",
    "large-frames+wide-texts",
    "unfinished-bodies+wide-texts",
    "unfinished-frames+unfinished-bodies",
    "background-jobs+packed-objects",
]
"""Inputs that take the most together, each pair of one client at once."""
