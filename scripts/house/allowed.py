"""Offences that stood before their rule did (`allowed.toml`), and how that file shrinks.

An offence that is not listed fails, and so does an entry that no offence needs any more. `make
format` takes such entries off; nothing puts one on.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from house.source import Finding

PATH: Final = "scripts/house/allowed.toml"
HEADING: Final = """\
# Offences that stood before their rule did. This file may only shrink: `make format` takes off what
# is mended. An offence without an entry fails `make lint`, and so does an entry without an offence.
"""

Findings: TypeAlias = Mapping[str, Sequence[Finding]]


@dataclass(frozen=True)
class Allowed:
    """Keys of offences, by rule, and the number of docstrings that may open as they should not."""

    keys: Mapping[str, Sequence[str]]
    docstring_openings: int

    @classmethod
    def read(cls, text: str) -> Allowed:
        """Read what `render` wrote."""
        content = tomllib.loads(text)
        openings: int = content.pop("docstring_openings")
        return cls(content, openings)

    def render(self) -> str:
        """Return the file's text: an entry a line, so that branches that shrink it can merge."""
        parts = [HEADING, f"docstring_openings = {self.docstring_openings}\n"]
        for rule, keys in self.keys.items():
            entries = "".join(f'  "{key}",\n' for key in sorted(keys))
            parts.append(f"{rule} = [\n{entries}]\n" if entries else f"{rule} = []\n")
        return "\n".join(parts)

    def shrunk(self, found: Findings) -> Allowed:
        """Return what the findings still need. Nothing is added."""
        return Allowed(
            {
                rule: [key for key in listed if key in _keys(found[rule])]
                for rule, listed in self.keys.items()
            },
            min(self.docstring_openings, len(found["docstring_openings"])),
        )

    def offences(self, found: Findings) -> Iterator[Finding]:
        """Yield what fails: findings that are not allowed, then entries that stand for nothing."""
        for rule, findings in found.items():
            if rule == "docstring_openings":
                yield from self._too_many_openings(findings)
            else:
                listed = self.keys.get(rule, ())
                yield from (finding for finding in findings if finding.key not in listed)
        yield from self._stale(found)

    def _too_many_openings(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        most = self.docstring_openings
        if len(findings) > most:
            yield from findings  # which of them are new cannot be known
            if most:
                said = f"{len(findings)} such docstrings, {most} at most (fix: rewrite yours)"
                yield Finding(PATH, self._line("docstring_openings"), said)

    def _stale(self, found: Findings) -> Iterator[Finding]:
        for rule, listed in self.keys.items():
            for key in listed:
                if key not in _keys(found[rule]):
                    said = f"{rule} lists {key} for nothing (fix: take it off, or run make format)"
                    yield Finding(PATH, self._line(f'"{key}"'), said)

    def _line(self, start: str) -> int:
        lines = self.render().splitlines()
        return next(n for n, line in enumerate(lines, 1) if line.strip().startswith(start))


def _keys(findings: Sequence[Finding]) -> set[str]:
    return {finding.key for finding in findings}
