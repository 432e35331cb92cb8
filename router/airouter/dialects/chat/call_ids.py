"""Ids of calls in a history, as OpenAI takes them: of 40 characters at most.

Other servers give longer ones (vLLM's have 46), and clients send them back to whoever is asked
next. A call and its result must agree, and each in every turn.

Source: the errors of OpenAI's API (`string_above_max_length`).
"""

from __future__ import annotations

import msgspec

from airouter.dialects.raw_json import RawFields, raw_json
from airouter.untrusted import decoded_or_none

LONGEST = 40
OF_RESULT = b'"tool_call_id"'

_calls = msgspec.json.Decoder(list[RawFields])
_text = msgspec.json.Decoder(str)


def short_call_id(id_: str) -> str:
    """Return an id that OpenAI takes: the beginning and the end of a longer one."""
    if len(id_) <= LONGEST:
        return id_
    half = LONGEST // 2
    return id_[:half] + id_[-half:]


def has_long_id(messages: bytes) -> bool:
    """Return whether the result of some call is for an id that is too long."""
    at = messages.find(OF_RESULT)
    while at >= 0:
        begin = messages.find(b'"', at + len(OF_RESULT)) + 1
        if begin and messages.find(b'"', begin, begin + LONGEST + 1) < 0:
            return True
        at = messages.find(OF_RESULT, at + len(OF_RESULT))
    return False


def with_short_ids(message: RawFields) -> RawFields:
    """Return a message whose calls, or whose result, have ids that OpenAI takes."""
    if "tool_call_id" in message:
        return message | {"tool_call_id": short_raw_id(message["tool_call_id"])}
    calls = decoded_or_none(_calls, message.get("tool_calls", msgspec.Raw(b"")))
    if not calls:
        return message
    short = [call | {"id": short_raw_id(call["id"])} if "id" in call else call for call in calls]
    return message if short == calls else message | {"tool_calls": raw_json(short)}


def short_raw_id(raw: msgspec.Raw) -> msgspec.Raw:
    """Return an id as JSON; the same where it is short, or none."""
    id_ = decoded_or_none(_text, raw)
    return raw if id_ is None or len(id_) <= LONGEST else raw_json(short_call_id(id_))
