"""The parts of a whole answer, changed one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.dialects.conversation import Answer, Part


def with_changed_parts(answer: Answer, change: Callable[[Part], Part]) -> Answer:
    """Return an answer with each part of all its choices changed."""
    choices = tuple(
        msgspec.structs.replace(choice, parts=tuple(map(change, choice.parts)))
        for choice in answer.choices
    )
    return msgspec.structs.replace(answer, choices=choices)
