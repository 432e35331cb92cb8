"""The mock as a provider: it speaks OpenAI's API, and no connection leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airouter.config.snapshot import Mock
from airouter.providers.mock.upstream import MockUpstream
from airouter.providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Callable

    from airouter.config.snapshot import Credential
    from airouter.interfaces import Upstream


@dataclass(frozen=True)
class MockProvider(OpenAI):
    """A provider inside the process."""

    def open_upstream(self, credential: Credential, connect: Callable[[], Upstream]) -> Upstream:  # noqa: ARG002
        return MockUpstream(credential.mock or Mock())
