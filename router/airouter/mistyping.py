"""Variables of the environment that set nothing because their names are mistyped."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LIKENESS = 0.7
"""Likeness of a name to that of a setting, from 0 to 1, from which on it is taken for a typo."""


OF_A_SERVICE = re.compile(r"(.+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_\w+)|PORT")
"""What Kubernetes sets in pods for each Service of the namespace, after the Service's name."""


def vain_variables(
    environ: Iterable[str], prefix: str, settings: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Yield variables that set nothing, each with the setting that must be meant.

    `settings` are names without the prefix, in any case. Names that resemble none are left alone.
    """
    known = [name.upper() for name in settings]
    for name in sorted(environ):
        bare = name.upper().removeprefix(prefix)
        if not name.upper().startswith(prefix) or bare in known:
            continue
        if not OF_A_SERVICE.fullmatch(bare):
            for meant in difflib.get_close_matches(bare, known, n=1, cutoff=LIKENESS):
                yield name, prefix + meant
