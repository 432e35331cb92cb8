"""Signatures that cannot be Claude's are told from those that may be."""

from __future__ import annotations

import base64

import pytest

from airouter.dialects.claude.signatures import is_foreign
from support.claude_signatures import claude_signature

GENUINE = {
    "with a model": claude_signature("a"),
    "of 2025": "EqoBCkgIARABGAIiQL2UoU0b1OHYi+yCHpBY7U6FQW8/FcoLewocJQPa2HnmLM+NECy50y44F",
    "redacted": "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpP",
    "of the documentation": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds",
    "with a number first": "CAISqwEKRggLGAIqQHRoZSBzZWFs",
    "encoded twice": base64.b64encode(claude_signature("a").encode()).decode(),
    "of an unknown form": "WaUjzkypQ2mUEVM36O2TxuC06KN8xyfbJwyem2dw3URve/op91XWHOEBLLqIOMfFG",
}
FOREIGN = {
    "of Gemini 2.5": "CiQBjz1rX94p1vOFXtHLlpbUvRj4Yy0=",
    "of Gemini 2.5, longer": "CvcQAdHN2OekY10ClPFkYA==",
    "of Gemini 3": "ErADCq0DAXLI2nyHeC4xQ0b1OHYi",
    "of Gemini without a field": "AXLI2nyHeC4xQ0b1OHYiyCHpBY7U",
    "that has Gemini skip the check": "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    "encrypted by OpenAI": "gAAAAABpZ3VmS0pyb1hQeTJ4Q2FxWkV",
    "a UUID": "3f0c9a1e-2b4c-4d5e-8f90-1234567890ab",
    "a UUID in base64": base64.b64encode(b"3f0c9a1e-2b4c-4d5e-8f90-1234567890ab").decode(),
    "a UUID in two fields": base64.b64encode(b"\x12\x26\x0a\x243f0c9a1e-2b4c-4d5e-8f90").decode(),
    "an id": "rs_0123456789abcdef",
    "with a name before it": "claude#EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrk",
    "JSON": '{"id": 1}',
    "a word": "sig",
    "no ASCII": "Grüße",
}


@pytest.mark.parametrize("signature", GENUINE.values(), ids=GENUINE.keys())
def test_what_may_be_claudes_is_kept(signature: str) -> None:
    assert not is_foreign(signature)


@pytest.mark.parametrize("signature", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_others_made_is_told(signature: str) -> None:
    assert is_foreign(signature)
