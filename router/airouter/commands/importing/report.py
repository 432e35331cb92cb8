"""The report of a translation: what became of each field, in a line each."""

from dataclasses import dataclass, field
from typing import Literal

Fate = Literal["carried", "changed", "left out"]
FATES: tuple[Fate, ...] = ("carried", "changed", "left out")


@dataclass
class ImportReport:
    """Lines about fields of the foreign configuration. They name fields, and never a key."""

    lines: dict[Fate, list[str]] = field(default_factory=lambda: {fate: [] for fate in FATES})

    def carried(self, what: str) -> None:
        """Tell that something means the same here."""
        self._add("carried", what)

    def changed(self, what: str, to: str) -> None:
        """Tell that something is said otherwise here, or means nearly the same."""
        self._add("changed", f"{what}: {to}")

    def left_out(self, what: str, why: str) -> None:
        """Tell that something is not here, and what there is in its place."""
        self._add("left out", f"{what}: {why}")

    def text(self) -> str:
        """Return all lines, those of one fate together."""
        return "".join(f"{fate}: {line}\n" for fate in FATES for line in self.lines[fate])

    def _add(self, fate: Fate, line: str) -> None:
        if line not in self.lines[fate]:
            self.lines[fate].append(line)
