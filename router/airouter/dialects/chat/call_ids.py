"""Ids of calls in a history, as services take them.

Other servers give others (vLLM's have 46 characters), and clients send them back to whoever is
asked next. A call and its result must agree, and each in every turn.

Source: the errors of OpenAI's API (`string_above_max_length`) and of Mistral's (3280: "must be a-z,
A-Z, 0-9, with a length of 9").
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from airouter.dialects.raw_json import RawFields, raw_json
from airouter.dialects.upstream_api import IdRule
from airouter.untrusted import decoded_or_none

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 40
OF_MISTRAL = re.compile("[a-zA-Z0-9]{9}")

_calls = msgspec.json.Decoder(list[RawFields])
_text = msgspec.json.Decoder(str)


def short_id(id_: str, longest: int = LONGEST) -> str:
    """Return an id that OpenAI takes: the beginning and the end of a longer one."""
    if len(id_) <= longest:
        return id_
    half = longest // 2
    return id_[:half] + id_[-half:]


def mistral_id(id_: str) -> str:
    """Return an id that Mistral takes: the same for the same one."""
    return (
        id_ if OF_MISTRAL.fullmatch(id_) else sha256(id_.encode(errors="replace")).hexdigest()[:9]
    )


OPENAI_IDS = IdRule(re.compile(rb'"tool_call_id"\s*:\s*"[^"]{41}'), short_id)
MISTRAL_IDS = IdRule(re.compile(rb'"tool_call_id"\s*:\s*"(?![a-zA-Z0-9]{9}")'), mistral_id)
"""Both look at results alone: every call has one."""


def with_fit_ids(message: RawFields, fit: Callable[[str], str]) -> RawFields:
    """Return a message whose calls, or whose result, have ids that are taken."""
    if "tool_call_id" in message:
        return message | {"tool_call_id": fit_raw_id(message["tool_call_id"], fit)}
    calls = decoded_or_none(_calls, message.get("tool_calls", msgspec.Raw(b"")))
    if not calls:
        return message
    fitted = [
        call | {"id": fit_raw_id(call["id"], fit)} if "id" in call else call for call in calls
    ]
    return message if fitted == calls else message | {"tool_calls": raw_json(fitted)}


def fit_raw_id(raw: msgspec.Raw, fit: Callable[[str], str]) -> msgspec.Raw:
    """Return an id as JSON; the same where it is taken, or is none."""
    id_ = decoded_or_none(_text, raw)
    fitted = None if id_ is None else fit(id_)
    return raw if fitted is None or fitted == id_ else raw_json(fitted)
