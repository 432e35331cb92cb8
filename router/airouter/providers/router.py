"""Another router like this one, which speaks Anthropic's API as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from airouter.dialects.chat.upstream import ROUTER as ROUTER_CHAT
from airouter.dialects.messages.upstream import MESSAGES
from airouter.dialects.responses.upstream import ROUTER
from airouter.providers.anthropic import VERSION, model_envelope
from airouter.providers.binding import Binding
from airouter.providers.openai import OpenAI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airouter.config.snapshot import Credential
    from airouter.dialects.upstream_api import UpstreamApi
    from airouter.providers.binding import Api

MESSAGES_PATHS: Mapping[Api, str] = {
    "messages": "/messages",
    "count_tokens": "/messages/count_tokens",
}


@dataclass(frozen=True)
class AutoAIRouter(OpenAI):
    """A router in front of others."""

    api: ClassVar[UpstreamApi] = ROUTER_CHAT
    responses_api: ClassVar[UpstreamApi] = ROUTER

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        path = MESSAGES_PATHS.get(api)
        if path is None:
            return super().bind(api, credential, model)
        return Binding(MESSAGES, path, envelope=model_envelope(model), headers=VERSION)
