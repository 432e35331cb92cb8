"""A body read into the structs of a dialect, and what is wrong with it said in the client's terms.

The structs are msgspec's: they check types, tags and missing fields while they decode, and say
where. Here that becomes a `Failure` with the path that a client's own library would print.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from airouter.failures import Failure, unreadable_json

T = TypeVar("T")

WHERE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?", re.DOTALL)


def read(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """A body as a dialect's structs. Raises `Failure` 400 that names the field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise wrong_field(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise unreadable_json(str(error)) from None


def wrong_field(error: msgspec.ValidationError) -> Failure:
    """What msgspec found, with the path of the field as `param`."""
    found = WHERE.fullmatch(str(error))
    what, path = (found["what"], found["path"]) if found else (str(error), None)
    where = f" in '{path}'" if path else ""
    return Failure(
        400, f"Invalid request{where}: {what}.", param=path or None, code="invalid_value"
    )
