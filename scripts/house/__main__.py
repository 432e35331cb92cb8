"""`python -m house`: print each offence against the rules of the house, and fail if there is one.

With `--shrink` it takes off `allowed.toml` what is mended, and fails for nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

from house import rules
from house.allowed import PATH, Allowed, Findings
from house.source import read_sources

REPOSITORY = Path(__file__).parents[2]
RULES = (
    rules.long_functions,
    rules.long_files,
    rules.bare_modules,
    rules.docstring_openings,
    rules.doubled_names,
)


def find(repository: Path) -> Findings:
    """Return what each rule finds in the files of the repository, by the rule's name."""
    sources = read_sources(repository)
    return {rule.__name__: list(rule(sources)) for rule in RULES}


def main(repository: Path, *, shrink: bool) -> int:
    """Check the repository, or shrink its list. Returns the exit code."""
    allowed = Allowed.read((repository / PATH).read_text("utf-8"))
    found = find(repository)
    if shrink:
        (repository / PATH).write_text(allowed.shrunk(found).render(), "utf-8")
        return 0
    offences = list(allowed.offences(found))
    for offence in offences:
        print(offence)
    print(f"House: offences: {len(offences)}" if offences else "House: in order")
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(REPOSITORY, shrink="--shrink" in sys.argv[1:]))
