"""The interface of all boards: places where replicas leave word of bans and read that of others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airouter.bans.notice import BanNews, BanNotice


class BoardError(Exception):
    """A board that does not answer. The text names no secret."""


class RemoteBoard(ABC):
    """A place where all replicas of a configuration read what each of them tells."""

    @abstractmethod
    async def tell(self, notices: list[BanNotice]) -> None:
        """Leave word, within seconds. Raises `BoardError`."""

    @abstractmethod
    async def listen(self, epoch: str, since: int) -> BanNews:
        """Return what is new since a revision of an epoch, once there is some, or after a while.

        Everything, where the board has another epoch. Raises `BoardError`.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections. Never raises."""
