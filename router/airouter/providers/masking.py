"""Takes what is known of a credential out of what its provider says.

A provider's error may quote the key that it was sent, as it is or encoded, and names the account
behind it. A client is to learn neither; nor are logs, metrics and traces.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import quote

from airouter.config.cloud_secrets import pairs_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airouter.config.snapshot import Credential
    from airouter.failures import Failure

MASK = "***"
IDENTIFIERS = re.compile(
    r"\bsk[-_][\w*.\-]{6,}"
    # An id is one random word, with a digit in it or masked in part; `user_lookup_by_email` is not.
    r"|\b(?:org|proj|key|user|acct)[-_](?=[A-Za-z0-9]*[\d*])[A-Za-z0-9*]{7,}[\w*.\-]*"
    r"|\b(?:org|proj|key|user|acct)[-_](?=[a-z0-9]*[A-Z])[A-Za-z0-9]{20,}"
    r"|\b(?<!-)\w[\w-]{1,63}(?=\.(?:openai|cognitiveservices|services\.ai)\.azure\.)"
    r"|\barn:aws[\w-]*:\S+|\bAIza[\w-]{10,}|\bAKIA\w{8,}|\bprojects/[\w:.\-]+"
)
"""Keys, organizations, projects and resources, which providers quote in their errors."""
SENSITIVE = re.compile(
    r"secret|token(?!_ur[il])|private_?key|api-?key|password|authorization", re.IGNORECASE
)
"""Names of the fields of a secret, and of headers, whose values are one."""
ERROR = b"error"
LEAST = 8
"""Characters of a secret: what is shorter stands in other words, too."""
LONGEST, LONGEST_FIELD = 8_192, 256
"""Characters of an error's message that are searched, and of its other fields that are told."""


class Masking:
    """The masking of one credential."""

    __slots__ = ("_forms", "_hints")

    def __init__(self, credential: Credential) -> None:
        secrets = [each for each in secrets_of(credential) if len(each) >= LEAST]
        self._hints = (ERROR, *(each.encode() for each in secrets)) if secrets else ()
        forms = {form for secret in secrets for form in forms_of(secret)}
        self._forms = sorted(forms, key=len, reverse=True)  # a form may stand in a longer one

    def text(self, text: str) -> str:
        """Return a text without the secret, in whatever form, and the account behind it."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return IDENTIFIERS.sub(MASK, text)

    def failure(self, failure: Failure) -> None:
        """Mask all that a failure tells, which may be as long as an answer."""
        failure.message = self.text(failure.message[:LONGEST])
        failure.type = self._field(failure.type)
        failure.code = None if failure.code is None else self._field(failure.code)
        failure.param = None if failure.param is None else self._field(failure.param)

    def _field(self, text: str) -> str:
        # Cut last: half a secret is not found.
        return self.text(text[:LONGEST])[:LONGEST_FIELD]

    def body(self, data: bytes) -> bytes:
        """Return a body, or a piece of one, without the secret.

        Encoded forms are looked for beside an error alone: most bodies have none, and are searched
        quickly.
        """
        for hint in self._hints:  # not by `any`, which takes five times as long
            if data.find(hint) >= 0:
                return self._masked(data)
        return data

    def writer(self, write: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return a writer of the pieces of a stream, without the secret where they tell an error.

        A search for less than a whole body has, since each event costs one.
        """
        mask = self._masked

        def masked(data: bytes) -> None:
            write(data if data.find(ERROR) < 0 else mask(data))

        return masked if self._hints else write

    def _masked(self, data: bytes) -> bytes:
        for form in self._forms:
            data = data.replace(form.encode(), MASK.encode())
        return data


def secrets_of(credential: Credential) -> Iterator[str]:
    """Yield the secrets of a credential: its key, or what is one in a file of several values."""
    if credential.secret is not None:
        yield credential.secret.strip()
        try:
            pairs = pairs_in(credential.secret) or {}
        except ValueError:  # that cannot be read, so that nothing else is sent
            pairs = {}
        yield from (value for name, value in pairs.items() if SENSITIVE.search(name))
    for name, value in credential.headers:
        if SENSITIVE.search(name):
            yield value
            yield value.rpartition(" ")[2]  # without a scheme


def forms_of(secret: str) -> Iterator[str]:
    """Yield a secret as it may be quoted: plain, in JSON, in a URL, in hex, in base64."""
    data = secret.encode()
    yield from (secret, json.dumps(secret)[1:-1], quote(secret, safe=""))
    percent = "".join(f"%{byte:02x}" for byte in data)
    yield from (data.hex(), data.hex().upper(), percent, percent.upper())
    for shift in range(3):  # bytes before the secret, by which its base64 differs
        digits = b64encode(bytes(shift) + data).decode()
        known = digits[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield from (known, known.translate(URL_SAFE))


URL_SAFE = str.maketrans("+/", "-_")
