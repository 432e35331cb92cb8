"""Azure OpenAI: the v1 API, which is OpenAI's own, or deployments behind an `api-version`.

Source: Azure OpenAI's REST reference; the official SDK's `AzureOpenAI` for the paths.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from airouter.providers.identity.azure import FILE, AzureSigner
from airouter.providers.openai import OpenAI

if TYPE_CHECKING:
    from airouter.config.snapshot import Credential
    from airouter.providers.binding import Api, Binding
    from airouter.providers.identity.base import Signer
    from airouter.providers.identity.workers import Workers

V1 = "/openai/v1"


@dataclass(frozen=True)
class AzureOpenAI(OpenAI):
    """A resource of Azure; its base URL is the resource's, with or without `/openai/v1`."""

    def bind(self, api: Api, credential: Credential, model: str) -> Binding | None:
        binding = super().bind(api, credential, model)
        if binding is None:
            return None
        version = credential.azure_api_version
        if version is None:
            declared = urlsplit(credential.base_url or "").path.rstrip("/")
            path = binding.path if declared.endswith(V1) else V1 + binding.path
            return binding._replace(path=path)
        root = "/openai" if binding.api is self.responses_api else deployment(model)
        return binding._replace(path=f"{root}{binding.path}?api-version={quote(version, safe='')}")

    def make_signer(self, credential: Credential, host: str, workers: Workers) -> Signer | None:  # noqa: ARG002
        """Build one for a credential without a key, in a pod with Azure's workload identity."""
        if credential.secret is not None or FILE not in os.environ:
            return None
        return AzureSigner(os.environ, name=credential.name, workers=workers)

    def authorization(self, credential: Credential) -> list[tuple[str, str]]:
        return [] if credential.secret is None else [("api-key", credential.secret)]


def deployment(model: str) -> str:
    """Return the path of a deployment; Responses are the one API that is not below one."""
    return f"/openai/deployments/{quote(model, safe='')}"
