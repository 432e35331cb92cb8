"""The request that has a model go on with an answer that another backend began.

What was said stands in the model's own turn. A model that takes a prefill goes on with that turn;
any other is told to by the user. White space at the end is left out, as Anthropic demands: models
begin with it once more, or not, and the seam takes either.
"""

from __future__ import annotations

import msgspec

from airouter.dialects.conversation import (
    Conversation,
    Text,
    Thinking,
    Turn,
    Unsupported,
)
from airouter.dialects.estimation import tokens_in

GO_ON = (
    "Your answer was cut off in transmission. Go on exactly where it stopped, in the middle of a "
    "word if need be: what you write now is appended to it as it is. Do not repeat any of it, and "
    "add no introduction, no apology and no remark."
)
NO_THOUGHTS = Thinking(mode="off")


def check_joinable(conversation: Conversation) -> None:
    """Raise `Unsupported` for an answer that only one stream can give.

    Such as one that is held to a form: only a whole answer has it, so the second half would be
    another whole one.
    """
    why = "cannot go on with an answer of another backend"
    if conversation.n not in {None, 1}:
        raise Unsupported("n", why)
    if conversation.format is not None and conversation.format.kind != "text":
        raise Unsupported("format", why)
    if conversation.audio is not None or set(conversation.modalities) - {"text"}:
        raise Unsupported("modalities", why)


def is_joinable(conversation: Conversation) -> bool:
    """Return whether several streams can give an answer."""
    try:
        check_joinable(conversation)
    except Unsupported:
        return False
    return True


def resumed(conversation: Conversation, text: str, *, prefill: bool) -> Conversation:
    """Return a conversation in which the model goes on with a `text` that the client has.

    With `prefill` the text is the last turn, and the model does not think: it has begun to speak.
    """
    said = text.rstrip()
    if not said:
        return conversation
    turns = [*conversation.turns, Turn(role="assistant", parts=(Text(text=said),))]
    thinking, most = conversation.thinking, conversation.max_tokens
    if not prefill:
        turns.append(Turn(role="user", parts=(Text(text=GO_ON),)))
    elif thinking is not None:
        thinking = NO_THOUGHTS
    if most is not None:
        most = max(1, most - tokens_in(len(said.encode())))
    return msgspec.structs.replace(
        conversation, turns=tuple(turns), thinking=thinking, max_tokens=most
    )
