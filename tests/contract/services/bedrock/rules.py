"""Layer 2 of the strict Bedrock: what it refuses although the shape is right, in its own words.

One function a rule; each is told the body and the model, and raises `Refusal`. Those of Claude
alone stand in `thinking.py`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from contract.services.bedrock import thinking
from contract.services.bedrock.models import CACHING, STRICT
from contract.services.bedrock.refusals import failing, invalid, invalid_to_model
from contract.services.stand_in import Body

if TYPE_CHECKING:
    from contract.services.bedrock.answers import Signatures

TOLERANT = ("claude", "qwen")
"""Families that let the assistant begin."""
ALONE = ("llama", "mistral")
"""Families that take nothing beside the results of tools."""
IMAGE_RESULTS = ("claude", "nova")
"""Families that see images in the results of tools."""
DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9\-()\[\]]+(?:\s[a-zA-Z0-9\-()\[\]]+)*")
MAX_CACHE_POINTS = 4
BILLING = "x-anthropic-billing-header"
NEVER_CACHED = (None, "cachePoint", "document", "video")
"""What no cache point may follow."""


def blocks_of(body: Body) -> Iterator[tuple[str, Body]]:
    """The blocks of all messages, and the place of each as the service writes it."""
    for number, message in enumerate(body["messages"]):
        for at, block in enumerate(message["content"]):
            yield f"messages.{number}.content.{at}", block


def kinds_of(content: list[Body]) -> list[str]:
    return [next(iter(block)) for block in content]


def someone_speaks(body: Body, model: str) -> None:
    if not body.get("messages"):
        raise invalid(
            "A conversation must have at least one message. Try again with a conversation that has "
            "at least one message."
        )
    for number, message in enumerate(body["messages"]):
        if not message["content"]:
            raise invalid(
                f"The content field in the Message object at messages.{number} is empty. Add a "
                "ContentBlock object to the content field and try again."
            )


def nobody_tells_who_pays(body: Body, model: str) -> None:
    said = str(body.get("system"))
    if "claude" in model and BILLING in said:
        raise invalid(f"{BILLING} is a reserved keyword and may not be used in the system prompt.")


def roles_alternate(body: Body, model: str) -> None:
    roles = [message["role"] for message in body["messages"]]
    if roles[0] != "user" and not any(name in model for name in TOLERANT):
        raise invalid(
            "A conversation must start with a user message. Try again with a conversation that "
            "starts with a user message."
        )
    if any(one == other for one, other in pairwise(roles)):
        raise invalid(
            "A conversation must alternate between user and assistant roles. Make sure the "
            "conversation alternates between user and assistant roles and try again."
        )


def text_is_not_blank(body: Body, model: str) -> None:
    for at, block in blocks_of(body):
        inner = block["toolResult"]["content"] if "toolResult" in block else [block]
        for each in inner:
            if "text" in each and not each["text"].strip():
                raise blank(at)
    for number, block in enumerate(body.get("system") or ()):
        if "text" in block and not block["text"].strip():
            raise blank(f"system.{number}")


def blank(at: str) -> Exception:
    return invalid(
        f"The text field in the ContentBlock object at {at} is blank. Add text to the text field, "
        "and try again."
    )


def calls_are_answered(body: Body, model: str) -> None:
    """Every call in the next message, and no answer without a call."""
    before: list[str] = []
    for number, message in enumerate([*body["messages"], {"content": []}]):
        content = message["content"]
        found = [block["toolResult"]["toolUseId"] for block in content if "toolResult" in block]
        missing = sorted(set(before) - set(found))
        if missing:
            raise invalid(
                f"Expected toolResult blocks at messages.{number}.content for the following Ids: "
                + ", ".join(missing)
            )
        if sorted(found) != sorted(before):
            raise invalid(
                f"The number of toolResult blocks at messages.{number}.content exceeds the number "
                "of toolUse blocks of previous turn."
            )
        before = [block["toolUse"]["toolUseId"] for block in content if "toolUse" in block]


def calls_have_ids_of_their_own(body: Body, model: str) -> None:
    for number, message in enumerate(body["messages"]):
        ids = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]
        if len(set(ids)) != len(ids):
            raise invalid(
                f"The toolUse blocks at messages.{number}.content contain duplicate Ids: {ids[0]}"
            )


def results_stand_alone(body: Body, model: str) -> None:
    if not any(name in model for name in ALONE):
        return
    for number, message in enumerate(body["messages"]):
        kinds = set(kinds_of(message["content"]))
        if "toolResult" in kinds and kinds != {"toolResult"}:
            raise invalid_to_model(
                f"messages.{number}: Only toolResult blocks are allowed beside each other."
            )


def images_stand_in_results_for_some(body: Body, model: str) -> None:
    """The reference names Claude and Nova; whoever takes nothing beside results takes them, too."""
    if any(name in model for name in (*IMAGE_RESULTS, *ALONE)):
        return
    for _, block in blocks_of(body):
        if "image" in kinds_of(block.get("toolResult", {}).get("content", [])):
            raise invalid_to_model(
                "This model doesn't support the image field for user messages. Remove image and"
                " try again."
            )


def tools_are_configured(body: Body, model: str) -> None:
    used = any({"toolUse", "toolResult"} & set(block) for _, block in blocks_of(body))
    if used and not body.get("toolConfig"):
        raise invalid(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        )


def failures_say_something(body: Body, model: str) -> None:
    for at, block in blocks_of(body):
        result = block.get("toolResult", {})
        if result.get("status") == "error" and not result["content"]:
            raise invalid_to_model(f"{at}: content must have content if `is_error` is true")


def documents_come_with_text(body: Body, model: str) -> None:
    for number, message in enumerate(body["messages"]):
        kinds = kinds_of(message["content"])
        if "document" in kinds and "text" not in kinds:
            raise invalid(
                f"A text block is required when using documents at messages.{number}. Add a text "
                "block and try again."
            )


def documents_have_neutral_names(body: Body, model: str) -> None:
    names = [block["document"]["name"] for _, block in blocks_of(body) if "document" in block]
    if len(set(names)) != len(names):
        raise invalid("Messages contain duplicate document names. Remove the duplicates.")
    if not all(map(DOCUMENT_NAME.fullmatch, names)):
        raise invalid(
            "The document file name can only contain alphanumeric characters, whitespace "
            "characters, hyphens, parentheses, and square brackets. The name can't contain more "
            "than one consecutive whitespace character."
        )


def bytes_are_base64(body: Body, model: str) -> None:
    for at, block in blocks_of(body):
        for each in [block, *block.get("toolResult", {}).get("content", ())]:
            for kind in {"image", "document", "video"} & set(each):
                given = each[kind]["source"].get("bytes")
                if given is not None and not is_base64(given):
                    raise invalid(f"The bytes of the {kind} at {at} are not base64.")


def is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except binascii.Error:
        return False


def cached_of(body: Body) -> list[list[str]]:
    """The kinds of blocks, of every list in which a cache point may stand."""
    tools = (body.get("toolConfig") or {}).get("tools") or []
    contents = [tools, body.get("system") or [], *(each["content"] for each in body["messages"])]
    return [kinds_of(content) for content in contents]


def cache_points_follow_something(body: Body, model: str) -> None:
    for kinds in cached_of(body):
        for before, kind in pairwise([None, *kinds]):
            if kind == "cachePoint" and before in NEVER_CACHED:
                raise invalid(f"cachePoint cannot be inserted after {before or 'nothing'}.")


def cache_points_are_few(body: Body, model: str) -> None:
    count = sum(kinds.count("cachePoint") for kinds in cached_of(body))
    if count > MAX_CACHE_POINTS:
        raise invalid_to_model(
            f"A maximum of {MAX_CACHE_POINTS} blocks with cache_control may be provided. "
            f"Found {count}."
        )


def cache_points_are_for_some(body: Body, model: str) -> None:
    cached = any("cachePoint" in kinds for kinds in cached_of(body))
    if cached and not any(name in model for name in CACHING):
        raise failing(
            "AccessDeniedException",
            "You invoked an unsupported model or your request did not allow prompt caching. See "
            "the documentation for more information.",
        )


def tools_are_strict_for_some(body: Body, model: str) -> None:
    """Newer Claudes have a field for it at Anthropic, and not here."""
    for number, tool in enumerate(body.get("toolConfig", {}).get("tools", ())):
        if "strict" in tool.get("toolSpec", {}) and not any(name in model for name in STRICT):
            raise invalid_to_model(f"tools.{number}.custom.strict: Extra inputs are not permitted")


RULES = (
    someone_speaks,
    nobody_tells_who_pays,
    roles_alternate,
    text_is_not_blank,
    calls_have_ids_of_their_own,
    calls_are_answered,
    results_stand_alone,
    images_stand_in_results_for_some,
    tools_are_configured,
    failures_say_something,
    documents_come_with_text,
    documents_have_neutral_names,
    bytes_are_base64,
    cache_points_follow_something,
    cache_points_are_for_some,
    tools_are_strict_for_some,
    *thinking.RULES,
)


LIMITS = (cache_points_are_few,)
"""Rules that a client breaks on its own, however well its words are translated."""


def reasoning_is_unchanged(body: Body, model: str, signatures: Signatures) -> None:
    """What Claude thought, as it was signed; the others sign nothing that they would miss."""
    for at, block in blocks_of(body):
        content = block.get("reasoningContent", {})
        text, redacted = content.get("reasoningText"), content.get("redactedContent")
        if redacted is not None and not signatures.holds(redacted, "(redacted)"):
            raise invalid_to_model(f"{at}: Invalid `data` in `redacted_thinking` block")
        if text is None or ("signature" not in text and "claude" not in model):
            continue
        if not signatures.holds(text.get("signature", ""), text["text"]):
            raise invalid_to_model(f"{at}: Invalid `signature` in `thinking` block")


def check_rules(body: Body, model: str, signatures: Signatures) -> None:
    """All of them."""
    for rule in (*RULES, *LIMITS):
        rule(body, model)
    reasoning_is_unchanged(body, model, signatures)
