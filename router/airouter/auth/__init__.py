"""Maps client keys to principals and the models that they may use."""

from airouter.auth.keyring import Keyring
from airouter.auth.principal import Principal

__all__ = ["Keyring", "Principal"]
