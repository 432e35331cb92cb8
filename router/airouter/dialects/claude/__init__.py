"""What Claude is like, whichever dialect it is spoken to in: Messages, or Converse at Bedrock."""

from airouter.dialects.claude.models import Traits, traits_of

__all__ = ["Traits", "traits_of"]
