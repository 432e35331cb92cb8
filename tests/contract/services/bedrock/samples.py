"""Requests to the strict Bedrock: messages, and what stands beside them."""

from __future__ import annotations

from typing import Any

from contract.services.stand_in import Body

ASK: Body = {"role": "user", "content": [{"text": "Hi"}]}
USE: Body = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT: Body = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
SPEC: Body = {"name": "f", "description": "d", "inputSchema": {"json": {}}}
TOOLS: Body = {"toolConfig": {"tools": [{"toolSpec": SPEC}]}}
CACHE: Body = {"cachePoint": {"type": "default"}}
FILE: Body = {"document": {"name": "a", "format": "txt", "source": {"text": "x"}}}
PNG: Body = {"image": {"format": "png", "source": {"bytes": "aGk="}}}
BUDGET: Body = {"type": "enabled", "budget_tokens": 2000}
NOVA, LLAMA = "amazon.nova-pro-v1:0", "meta.llama3-3-70b-instruct-v1:0"
MISTRAL, GPT = "mistral.mistral-large-2407-v1:0", "openai.gpt-oss-120b-1:0"
OPUS = "us.anthropic.claude-opus-4-7"
TITAN = "amazon.titan-embed-text-v2:0"
COHERE = {"texts": ["a", "b"], "input_type": "search_query"}


def said(*blocks: Body) -> Body:
    return {"role": "assistant", "content": list(blocks)}


def given(*blocks: Body) -> Body:
    return {"role": "user", "content": list(blocks)}


def thinking(kind: Body, **fields: Any) -> Body:
    extra = {"additionalModelRequestFields": {"thinking": kind}}
    return {"messages": [ASK], **extra, **fields}


def tool(**changed: Any) -> Body:
    return {"messages": [ASK], "toolConfig": {"tools": [{"toolSpec": {**SPEC, **changed}}]}}


def called(use: Body, result: Body) -> Body:
    use = {"toolUse": {**USE["toolUse"], **use}}
    return {
        "messages": [ASK, said(use), given({"toolResult": {**RESULT["toolResult"], **result}})],
        **TOOLS,
    }
