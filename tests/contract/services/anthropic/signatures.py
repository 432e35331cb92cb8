"""What the strict Anthropic signed, so that it knows its own thinking when it comes back.

As at the real service a signature belongs to one model: a block that another one thought, or that
somebody else made up, is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from support.claude_signatures import claude_signature

Body = dict[str, Any]

THINKING = {"thinking": "signature", "redacted_thinking": "data"}
"""The kinds of thinking, and where each carries its seal."""


@dataclass(frozen=True)
class Seal:
    """What was signed."""

    model: str
    thinking: str | None
    """None where it was redacted."""
    answer: tuple[str, ...]
    """All seals of the same answer, in their order."""


@dataclass
class Signatures:
    """All that was signed."""

    seals: dict[str, Seal] = field(default_factory=dict)
    ids: int = 0

    def issue(self, blocks: list[Body], model: str) -> list[Body]:
        """The blocks of an answer with what only the service can add: signatures and ids."""
        issued = [self._completed(block) for block in blocks]
        thoughts = [block for block in issued if block["type"] in THINKING]
        answer = tuple(seal_of(block) for block in thoughts)
        for seal, block in zip(answer, thoughts, strict=True):
            self.seals[seal] = Seal(model, block.get("thinking"), answer)
        return issued

    def _completed(self, block: Body) -> Body:
        kind = block["type"]
        self.ids += 1
        if kind in THINKING:
            seal = claude_signature(f"{self.ids}/{block.get('thinking')}")
            return {**block, THINKING[kind]: seal}
        prefix = {"tool_use": "toolu", "server_tool_use": "srvtoolu"}.get(kind)
        return {"id": f"{prefix}_upstream{self.ids}", **block} if prefix else block


def seal_of(block: Body) -> str:
    """The seal of a block of thinking."""
    return str(block[THINKING[block["type"]]])
