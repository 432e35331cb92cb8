"""The `/vhealth` page: the same view as the JSON, for people. No script, no outside resource."""

from __future__ import annotations

from html import escape
from typing import Any

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
.state { padding: .1rem .6rem; border-radius: 1rem; color: #fff; background: #b45309; }
.state.ok { background: #15803d; }
"""

CREDENTIAL = ("credential", "type", "in flight", "error", "bans")


def health_page(health: dict[str, Any]) -> str:
    """Return the page for the view that `Health.as_json` gives."""
    status = escape(health["status"])
    uptime = f"{health['uptime_seconds']} s"
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>airouter: {status}</title><style>{STYLE}</style></head>
<body>
<h1>Auto AI Router <span class="state {status}">{status}</span></h1>
<h2>Configuration</h2>
{pairs({"router": health["version"], "up for": uptime, **health["config"]})}
{section("Stream", health["stream"])}
<h2>Models</h2>
{table(("model", "credentials"), ((m["name"], ", ".join(m["backends"])) for m in health["models"]))}
<h2>Credentials</h2>
{table(CREDENTIAL, map(credential_row, health["credentials"]))}
</body></html>
"""


def credential_row(credential: dict[str, Any]) -> tuple[Any, ...]:
    """Return the cells of a credential, a line for each of its bans."""
    *cells, bans = credential.values()
    return (*cells, [ban_line(ban) for ban in bans])


def ban_line(ban: dict[str, Any]) -> str:
    """Return a ban in words, such as `gpt-4o until 2026-01-01T00:00:00Z (429)`."""
    what = ban["model"] or "all"
    end = "half open" if ban["half_open"] else f"until {ban['until'] or 'it is lifted'}"
    return f"{what} {end} ({ban['reason']})"


def section(title: str, values: dict[str, Any] | None) -> str:
    """Return a heading and its table; empty for an empty table."""
    return "" if values is None else f"<h2>{escape(title)}</h2>\n{pairs(values)}"


def pairs(values: dict[str, Any]) -> str:
    """Return a table of two columns; a list has a line for each of its items."""
    return table((), ((name.replace("_", " "), value) for name, value in values.items()))


def table(head: tuple[str, ...], rows: Any) -> str:
    """Return a table; numbers are aligned to the right."""
    lines = ["<table>"]
    if head:
        lines.append("<tr>" + "".join(f"<th>{escape(title)}</th>" for title in head) + "</tr>")
    lines += ["<tr>" + "".join(map(cell, row)) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table>"])


def cell(value: Any) -> str:
    """Return a cell with one value."""
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if isinstance(value, int):
        return f'<td class="number">{value}</td>'
    if isinstance(value, list):
        return "<td>" + "<br>".join(escape(str(item)) for item in value) + "</td>"
    return f"<td>{'' if value is None else escape(str(value))}</td>"
