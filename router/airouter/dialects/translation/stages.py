"""The stages that the events of an answer pass, by what its request has that needs one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.translation.custom_tools import Unwrapper, custom_names
from airouter.dialects.translation.single_call import OneCall, wants_one_call
from airouter.dialects.translation.tool_names import NameRestorer, own_names

if TYPE_CHECKING:
    from airouter.dialects.conversation import Conversation
    from airouter.dialects.dialect import Stage


def stages_for(conversation: Conversation) -> tuple[Stage, ...]:
    """Return the stages that an answer needs; most need none."""
    names, custom = own_names(conversation), custom_names(conversation)
    stages: list[Stage] = [NameRestorer(names)] if names else []
    if custom:
        stages.append(Unwrapper(custom))
    if wants_one_call(conversation):
        stages.append(OneCall())
    return tuple(stages)
