"""Names near one that no model has: what a client that mistyped it may have meant."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING

from airouter.failures import Failure, model_not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from airouter.config.snapshot import Model

LONGEST = 64
"""Characters of a name that is looked at."""
MOST_COMPARED, MOST = 16, 3
"""Names that are compared as a whole, which takes a tenth of a millisecond each, and told."""
LIKENESS = 0.6
"""Share of two names that is the same, from which on they are near."""


def no_such_model(name: str, models: Iterable[Model], may_use: Callable[[str], bool]) -> Failure:
    """Return the failure of an unknown name, with those near it of models that may be used."""
    usable = (model for model in models if may_use(model.name))
    names = (known for model in usable for known in (model.name, *model.aliases))
    return model_not_found(name, near(name, names))


def near(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that are most like another, the nearest first.

    Linear in `known`: all are compared by how they begin, and the best of them as a whole.
    """
    wanted = letters_of(name) if len(name) <= LONGEST else ""
    if not wanted:
        return []
    by_form = {letters_of(each): each for each in known if len(each) <= LONGEST}
    best = sorted(by_form, key=lambda form: -shared_start(form, wanted))[:MOST_COMPARED]
    return [by_form[form] for form in get_close_matches(wanted, best, MOST, LIKENESS)]


def letters_of(name: str) -> str:
    """Return the letters and digits of a name, without the maker before its last slash."""
    return "".join(filter(str.isalnum, name.rpartition("/")[2].casefold()))


def shared_start(one: str, other: str) -> int:
    """Return how many characters two names begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
