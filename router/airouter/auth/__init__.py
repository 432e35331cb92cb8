"""Maps client keys to principals and the models that they may use."""

from airouter.auth.keyring import Keyring, Principal

__all__ = ["Keyring", "Principal"]
