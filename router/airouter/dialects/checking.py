"""Bodies read into the structs of a dialect, and their faults in the client's terms.

The structs are msgspec's: they check types, tags and missing fields while they decode, and say
where. Here that becomes a `Failure` with the path that a client's own library would print.
"""

from __future__ import annotations

import re
from typing import TypeVar

import msgspec

from airouter.dialects.allowed_values import allowed_values
from airouter.failures import Failure, unreadable_json
from airouter.untrusted import UNREADABLE

T = TypeVar("T")

# msgspec's messages end with the place, such as "- at `$.tools[0].name`".
WHERE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$\.?(?P<path>.*)`)?", re.DOTALL)
UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`", re.DOTALL)
LONGEST = 200
"""Characters of a client's own body that an error repeats."""
LISTED = ("Invalid value", "Invalid enum value")
MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


def checked_body(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Return a body as a dialect's structs. Raises `Failure` 400 that names the field."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise wrong_field(error, decoder.type) from None
    except UNREADABLE as error:
        raise unreadable_json(str(error)) from None


def wrong_field(error: msgspec.ValidationError, body: object = None) -> Failure:
    """Return the `Failure` for an error of msgspec, with the path of the field as `param`.

    `body` is the type that was read; it lists the values that a field may have.
    """
    found = WHERE.fullmatch(str(error))
    what, path = (found["what"], found["path"] or "") if found else (str(error), "")
    what, path = what[:LONGEST], path[:LONGEST]
    unknown, missing = UNKNOWN.fullmatch(what), MISSING.fullmatch(what)
    if unknown:
        path = f"{path}.{unknown['name']}".lstrip(".")
        return Failure(400, f"Unknown parameter: '{path}'.", param=path, code="unknown_parameter")
    if missing:
        path = f"{path}.{missing['name']}".lstrip(".")
        what = f"Missing required parameter: '{path}'."
        return Failure(400, what, param=path, code="missing_required_parameter")
    where = f" in '{path}'" if path else ""
    allowed = allowed_values(body, path) if body is not None and what.startswith(LISTED) else ()
    listed = f" (one of: {', '.join(allowed)})" if allowed else ""
    what = f"Invalid request{where}: {what}{listed}."
    return Failure(400, what, param=path or None, code="invalid_value")
