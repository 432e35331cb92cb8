"""The matrix as a page for people: `python -m contract.matrix.table`, or `make translations`.

The page of `crossings.py` is written with it.
"""

from __future__ import annotations

from pathlib import Path

from contract.matrix import crossings
from contract.matrix.features import CLIENTS, FEATURES, UPSTREAMS, Feature, named, passes_through

PAGE = Path(__file__).parents[3] / "docs" / "translations.md"
TEMPLATE = Path(__file__).with_name("page.md")


def cell(feature: Feature, client: str, upstream: str) -> str:
    """What becomes of a feature on one translation."""
    if getattr(feature, client) is None:
        return "-"
    if passes_through(client, upstream):
        return "passes"
    field = named(client, feature.refused.get(upstream))
    return f"refused (`{field}`)" if field else "works"


def table(client: str) -> str:
    """All features for one kind of client."""
    lines = [
        "| feature | " + " | ".join(UPSTREAMS) + " |",
        "|---|" + "---|" * len(UPSTREAMS),
    ]
    for feature in FEATURES:
        if getattr(feature, client) is not None:
            cells = [cell(feature, client, upstream) for upstream in UPSTREAMS]
            lines.append(f"| {feature.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def page() -> str:
    """The whole page."""
    return TEMPLATE.read_text().format(**{client: table(client) for client in CLIENTS})


if __name__ == "__main__":
    PAGE.write_text(page())
    crossings.PAGE.write_text(crossings.crossings())
