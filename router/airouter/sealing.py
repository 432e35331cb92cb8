"""Seals content that clients carry for the router: nobody else can read, change or make it.

A sealed word is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce, in base64url: one byte of
version, four that name the key, the nonce, the ciphertext with its tag. What it is for and whose it
is are authenticated with it, so a word of one tenant, or of another purpose, does not open. All
replicas with the same keys agree without talking. What anybody may read, but nobody else may make,
has a tag beside it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from binascii import Error as NotBase64
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = b"\x01"
NAME_BYTES, NONCE_BYTES, TAG_BYTES = 4, 12, 16
OVERHEAD = len(VERSION) + NAME_BYTES + NONCE_BYTES + TAG_BYTES
LONGEST = 8 * 1_048_576
"""Longest sealed word, in characters, that is opened."""


class Sealer:
    """Seals with the first of its keys and opens with each."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Without keys one is made: what it seals opens in this process only."""
        # It takes 30 ms to load, which a router without the Responses API need not wait for.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        keys = keys or [secrets.token_hex(32)]
        self._tag_keys = [derived_key(b"tag", key) for key in keys]
        secret = [derived_key(b"key", key) for key in keys]
        self._ciphers = {derived_key(b"name", key)[:NAME_BYTES]: AESGCM(key) for key in secret}
        # The key's name travels with a word, so that opening tries one key and not all.
        name, self._cipher = next(iter(self._ciphers.items()))
        self._head = VERSION + name

    def seal(self, plain: bytes, purpose: str, tenant: str) -> str:
        """Return a word that opens only with the same purpose and tenant."""
        nonce = os.urandom(NONCE_BYTES)
        body = self._cipher.encrypt(nonce, plain, associated_data(purpose, tenant))
        return base64.urlsafe_b64encode(self._head + nonce + body).rstrip(b"=").decode()

    def tag(self, plain: bytes, purpose: str, tenant: str) -> bytes:
        """Return 43 characters of base64url that nobody else can make for `plain` (HMAC-SHA256)."""
        return made_tag(plain, self._tag_keys[0], purpose, tenant)

    def made(self, tag: bytes, plain: bytes, purpose: str, tenant: str) -> bool:
        """Return whether a tag, or the beginning of one, is of this purpose and tenant."""
        tags = (made_tag(plain, key, purpose, tenant)[: len(tag)] for key in self._tag_keys)
        return any(hmac.compare_digest(tag, each) for each in tags)

    def open(self, word: str, purpose: str, tenant: str) -> bytes | None:
        """Return the sealed content; None, for every reason alike, if the word does not open."""
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - loaded by now

        if len(word) > LONGEST:
            return None
        try:
            data = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
        except (NotBase64, ValueError):
            return None
        cipher = self._ciphers.get(data[1 : 1 + NAME_BYTES])
        if len(data) < OVERHEAD or data[:1] != VERSION or cipher is None:
            return None
        nonce, body = data[1 + NAME_BYTES :][:NONCE_BYTES], data[1 + NAME_BYTES + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, associated_data(purpose, tenant))
        except InvalidTag:
            return None


def derived_key(purpose: bytes, key: str | bytes) -> bytes:
    """Derive 32 bytes for one purpose."""
    data = key.encode() if isinstance(key, str) else key
    return hashlib.sha256(b"airouter sealing " + purpose + b"\0" + data).digest()


def made_tag(plain: bytes, key: bytes, purpose: str, tenant: str) -> bytes:
    """Return the tag that one key makes."""
    data = associated_data(purpose, tenant) + b"\0" + plain
    return base64.urlsafe_b64encode(hmac.digest(key, data, "sha256")).rstrip(b"=")


def associated_data(purpose: str, tenant: str) -> bytes:
    """Return the data that is authenticated together with a sealed word."""
    return f"{purpose}\0{tenant}".encode()
