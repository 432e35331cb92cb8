"""Client keys to principals: who asks, and what they may ask for."""

from airouter.auth.keyring import Keyring, Principal

__all__ = ["Keyring", "Principal"]
