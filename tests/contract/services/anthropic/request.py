"""A request as the rules read it: turns of one role each, whose blocks know where they stood.

The service joins consecutive messages of the same role before it checks anything else (recorded).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from contract.services.anthropic.models import Model
from contract.services.anthropic.signatures import Signatures

Body = dict[str, Any]

OLDER = "2023-06-01"
NEWER = "2026-10-21"
VERSIONS = (OLDER, NEWER)


@dataclass(frozen=True)
class Block:
    """A block, and its place as errors write it (`messages.0.content.1`)."""

    place: str
    body: Body

    @property
    def type(self) -> str:
        return str(self.body["type"])


@dataclass
class Turn:
    """Consecutive messages of one role; `place` is that of the first."""

    place: str
    role: str
    blocks: list[Block]

    def of_type(self, *types: str) -> list[Block]:
        return [block for block in self.blocks if block.type in types]


@dataclass(frozen=True)
class Request:
    """A request of the right shape."""

    body: Body
    model: Model
    version: str = OLDER
    counting: bool = False
    """Whether tokens are counted only."""
    signatures: Signatures = field(default_factory=Signatures)

    @property
    def thinking(self) -> Body:
        return self.body.get("thinking") or {}

    @property
    def tools(self) -> list[Body]:
        return self.body.get("tools") or []

    @property
    def messages(self) -> list[Body]:
        return list(self.body["messages"])

    @cached_property
    def turns(self) -> list[Turn]:
        turns: list[Turn] = []
        for number, message in enumerate(self.messages):
            place = f"messages.{number}"
            if not turns or turns[-1].role != message["role"]:
                turns.append(Turn(place, message["role"], []))
            turns[-1].blocks += blocks_of(f"{place}.content", message["content"])
        return turns

    @cached_property
    def blocks(self) -> list[Block]:
        """The blocks of all messages, without those inside of others."""
        return [block for turn in self.turns for block in turn.blocks]

    @cached_property
    def deep_blocks(self) -> list[Block]:
        """The same with what tools returned, and the instructions."""
        system = blocks_of("system", self.body.get("system") or [])
        return [*system, *(each for block in self.blocks for each in with_inner(block))]


def blocks_of(place: str, content: str | list[Body]) -> list[Block]:
    """The blocks of a content, which may be only a text."""
    if isinstance(content, str):
        return [Block(place, {"type": "text", "text": content})] if content else []
    return [Block(f"{place}.{number}", block) for number, block in enumerate(content)]


def with_inner(block: Block) -> Iterator[Block]:
    """A block and, where it is the result of a tool, what is inside of it."""
    yield block
    content = block.body.get("content")
    if block.type == "tool_result" and content:
        yield from blocks_of(f"{block.place}.tool_result.content", content)
