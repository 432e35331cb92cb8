"""The official SDKs at a router, which give up at once and share the authorities that were read."""

from __future__ import annotations

import anthropic
import openai

from support.config import MASTER_KEY
from support.http_client import trusted


def openai_sdk(base_url: str, api_key: str = MASTER_KEY) -> openai.AsyncOpenAI:
    """OpenAI's, whose `base_url` ends in `/v1`."""
    http = openai.DefaultAsyncHttpxClient(verify=trusted())
    return openai.AsyncOpenAI(base_url=base_url, api_key=api_key, max_retries=0, http_client=http)


def anthropic_sdk(base_url: str, auth_token: str = MASTER_KEY) -> anthropic.AsyncAnthropic:
    """Anthropic's, whose `base_url` is the router's root."""
    http = anthropic.DefaultAsyncHttpxClient(verify=trusted())
    return anthropic.AsyncAnthropic(
        base_url=base_url, auth_token=auth_token, max_retries=0, http_client=http
    )
