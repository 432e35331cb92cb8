"""The table of values in the chart's README, made of the comments in its values.yaml.

`PYTHONPATH=tests python -m chart.readme` writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "auto-ai-router"
README = CHART / "README.md"
BEGIN, END = "<!-- values -->\n", "<!-- /values -->\n"
KEY = re.compile(r"(?P<indent> *)(?P<key>[\w.]+):(?P<value> .*)?")


@dataclass(frozen=True)
class Value:
    """One line of the table."""

    path: str
    default: Any
    comment: str

    def __str__(self) -> str:
        default = json.dumps(self.default, ensure_ascii=False)
        return f"| `{self.path}` | {self.comment} | `{default}` |"


def values(text: str) -> Iterator[Value]:
    """Every key that has a comment and is no group of others, in order.

    A group is a mapping whose own members have comments.
    """
    defaults = yaml.safe_load(text)
    keys = list(commented_keys(text))
    for path, comment in keys:
        if not any(other[: len(path)] == path != other and text for other, text in keys):
            yield Value(".".join(path), found(defaults, path), comment)


def commented_keys(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every key of block style by its path, with the comment right above it."""
    path: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        stripped = line.strip()
        match = KEY.fullmatch(line)
        if stripped.startswith("#"):
            comment.append(stripped.removeprefix("#").strip())
        elif match:
            path[len(match["indent"]) // 2 :] = [match["key"]]
            yield tuple(path), " ".join(comment)
            comment = []
        else:
            comment = []


def found(tree: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def table(text: str) -> str:
    lines = ["| Value | What it says | Default |", "|---|---|---|", *map(str, values(text))]
    return "".join(f"{line}\n" for line in lines)


def with_table(readme: str, text: str) -> str:
    """The README with the table of these values."""
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(text)}\n{END}{after}"


def main() -> None:
    text = (CHART / "values.yaml").read_text()
    README.write_text(with_table(README.read_text(), text))


if __name__ == "__main__":
    main()
