"""Requests that the strict Bedrock refuses, and what it says of each."""

from __future__ import annotations

from contract.services.bedrock.samples import (
    ASK,
    BUDGET,
    CACHE,
    FILE,
    GPT,
    LLAMA,
    MISTRAL,
    NOVA,
    OPUS,
    PNG,
    RESULT,
    TOOLS,
    USE,
    called,
    given,
    said,
    thinking,
    tool,
)
from contract.services.bedrock.service import CLAUDE, PROFILE
from contract.services.stand_in import Body

Case = tuple[str, Body, str]
MISSHAPEN: list[Case] = [
    (NOVA, {"messages": [ASK], "wish": 1}, "unknown"),
    (NOVA, {"messages": [given({"text": "x", "image": {}})]}, "union"),
    (NOVA, {"messages": [{"role": "robot", "content": [{"text": "x"}]}]}, "not one of"),
    (NOVA, {"messages": [{"role": "user"}]}, "required"),
    (NOVA, {"messages": [ASK], "inferenceConfig": {"temperature": 1.5}}, "more than 1"),
    (NOVA, {"messages": [ASK], "inferenceConfig": {"maxTokens": 0}}, "less than 1"),
    (NOVA, tool(name="a b"), "is not [a-zA-Z0-9_-]+"),
    (NOVA, tool(name="a" * 65), "65 is more than 64"),
    (NOVA, tool(description=""), "0 is less than 1"),
    (NOVA, called({"toolUseId": "a|b"}, {"toolUseId": "a|b"}), "is not [a-zA-Z0-9_.:-]+"),
    (NOVA, called({"toolUseId": "a" * 65}, {"toolUseId": "a" * 65}), "65 is more than 64"),
    (NOVA, {"messages": [given({"image": {"format": "png", "source": {"url": "x"}}})]}, "unknown"),
]
STRICT_TOOL: Body = {"toolSpec": {**TOOLS["toolConfig"]["tools"][0]["toolSpec"], "strict": True}}
BILLING = "x-anthropic-billing-header"
REFUSED: list[Case] = [
    (NOVA, {"messages": []}, "at least one message"),
    (NOVA, {}, "at least one message"),
    (NOVA, {"messages": [given()]}, "is empty"),
    (NOVA, {"messages": [said({"text": "Hi"})]}, "start with a user message"),
    (CLAUDE, {"messages": [ASK], "system": [{"text": f"{BILLING}: x"}]}, "reserved keyword"),
    (CLAUDE, {"messages": [ASK, ASK]}, "must alternate"),
    (NOVA, {"messages": [given({"text": " "})]}, "messages.0.content.0 is blank"),
    (NOVA, {"messages": [ASK], "system": [{"text": " "}]}, "system.0 is blank"),
    (NOVA, called({}, {"content": [{"text": ""}]}), "messages.2.content.0 is blank"),
    (NOVA, {"messages": [ASK, said(USE, USE), given(RESULT)], **TOOLS}, "duplicate Ids"),
    (NOVA, {"messages": [ASK, said(USE), given({"text": "x"})], **TOOLS}, "Expected toolResult"),
    (NOVA, {"messages": [ASK, said(USE)], **TOOLS}, "Expected toolResult"),
    (NOVA, {"messages": [given(RESULT)], **TOOLS}, "exceeds the number of toolUse"),
    (NOVA, {"messages": [ASK, said(USE), given(RESULT, RESULT)], **TOOLS}, "exceeds the number"),
    (NOVA, {"messages": [ASK, said(USE), given(RESULT)]}, "toolConfig field must be defined"),
    (NOVA, called({}, {"content": [], "status": "error"}), "must have content"),
    (LLAMA, {"messages": [ASK, said(USE), given(RESULT, {"text": "x"})], **TOOLS}, "Only tool"),
    (GPT, called({}, {"content": [PNG]}), "doesn't support the image field"),
    (MISTRAL, {"messages": [ASK, said(USE), given(RESULT, {"text": "x"})], **TOOLS}, "Only tool"),
    (NOVA, {"messages": [given(FILE)]}, "text block is required"),
    (NOVA, {"messages": [given(FILE, FILE, {"text": "x"})]}, "duplicate document names"),
    *(
        (
            NOVA,
            {"messages": [given({"document": {**FILE["document"], "name": n}}, {"text": "x"})]},
            "can only contain alphanumeric",
        )
        for n in ("a.txt", "a_b", "a  b", "Grüße")
    ),
    (NOVA, {"messages": [given(CACHE, {"text": "x"})]}, "cachePoint cannot be inserted"),
    (NOVA, {"messages": [given({"text": "x"}, CACHE, CACHE)]}, "after cachePoint"),
    (NOVA, {"messages": [given({"text": "x"}, FILE, CACHE)]}, "after document"),
    (NOVA, {"messages": [ASK], "system": [CACHE]}, "cachePoint cannot be inserted"),
    (CLAUDE, {"messages": [given(*[{"text": "x"}, CACHE] * 5)]}, "A maximum of 4 blocks"),
    (LLAMA, {"messages": [given({"text": "x"}, CACHE)]}, "did not allow prompt caching"),
    (
        NOVA,
        {"messages": [given({"image": {"format": "png", "source": {"bytes": "not base64!"}}})]},
        "not base64",
    ),
    (OPUS, {"messages": [ASK], "inferenceConfig": {"temperature": 0.5}}, "deprecated"),
    (OPUS, {"messages": [ASK], "inferenceConfig": {"topP": 0.5}}, "`top_p` is deprecated"),
    (NOVA, thinking(BUDGET), "extraneous key"),
    (CLAUDE, thinking({"type": "deep"}), "Input tag 'deep'"),
    (OPUS, thinking(BUDGET), "is not supported for this model"),
    (
        "us.anthropic.claude-opus-4-7",
        {"messages": [ASK], "toolConfig": {"tools": [STRICT_TOOL]}},
        "tools.0.custom.strict",
    ),
    (CLAUDE, thinking({"type": "adaptive"}), "adaptive thinking is not supported"),
    (PROFILE, thinking({"type": "adaptive"}), "adaptive thinking is not supported"),
    (CLAUDE, thinking({"type": "enabled"}), "Field required"),
    (CLAUDE, thinking({**BUDGET, "budget_tokens": 1023}), "greater than or equal to 1024"),
    (CLAUDE, thinking(BUDGET, inferenceConfig={"maxTokens": 2000}), "must be greater than"),
    (
        CLAUDE,
        thinking(BUDGET, toolConfig={**TOOLS["toolConfig"], "toolChoice": {"any": {}}}),
        "forces tool use",
    ),
    (CLAUDE, thinking(BUDGET, inferenceConfig={"temperature": 0.5}), "may only be set to 1"),
    (CLAUDE, thinking(BUDGET, inferenceConfig={"topP": 0.5}), "greater than or equal to 0.95"),
    (CLAUDE, thinking(BUDGET, **called({}, {})), "must start with a thinking block"),
]
FOREIGN: Body = {"reasoningContent": {"reasoningText": {"text": "x", "signature": "y"}}}
UNKNOWN: list[Case] = [
    (CLAUDE, {"messages": [ASK, said(FOREIGN, {"text": "z"}), ASK]}, "Invalid `signature`"),
    (
        CLAUDE,
        {
            "messages": [
                ASK,
                said({"reasoningContent": {"redactedContent": "eA=="}}, {"text": "z"}),
                ASK,
            ]
        },
        "Invalid `data`",
    ),
    (CLAUDE.removeprefix("us."), {"messages": [ASK]}, "on-demand throughput isn't supported"),
    ("nobody", {"messages": [ASK]}, "identifier is invalid"),
]
