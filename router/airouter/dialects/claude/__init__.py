"""The rules of Claude, whichever dialect it is spoken to in: Messages, or Converse at Bedrock.

`models.py` knows the generations; the rest says what of a conversation they take: `sampling.py`,
`thinking.py`, `tool_choice.py`, `structured.py` and, for what comes back, `answers.py`.
"""

from airouter.dialects.claude.models import Traits, traits_of

__all__ = ["Traits", "traits_of"]
