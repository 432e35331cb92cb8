"""Tools that Anthropic runs itself, for clients that ask for those of OpenAI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airouter.dialects.conversation import HostedTool, Unsupported
from airouter.dialects.tools import no_such_tool, wants_own_container

if TYPE_CHECKING:
    from airouter.dialects.conversation import Json

PLACE = ("city", "region", "country", "timezone")


def anthropic_tool(tool: HostedTool) -> Json:
    """Return the tool that comes nearest to one of OpenAI's. Raises `Unsupported`."""
    if tool.kind.startswith("web_search"):
        return web_search(tool)
    if tool.kind == "code_interpreter" and not wants_own_container(tool):
        return {"type": "code_execution_20250825", "name": "code_execution"}
    raise no_such_tool(tool)


def is_anthropics(tool: HostedTool) -> bool:
    """Return whether Anthropic has a tool. Its search has no stored copy of the web, only the web.

    Anthropic itself knows best what its own clients may be offered.
    """
    return tool.dialect == "messages" or (tool.kind.startswith("web_search") and is_live(tool))


def is_live(tool: HostedTool) -> bool:
    """Return whether a tool may reach out to the web as it is now."""
    return tool.native.get("external_web_access") is not False


def web_search(tool: HostedTool) -> Json:
    """Return a search on the web; how much of each page is read is left to Anthropic."""
    native = tool.native
    if not is_live(tool):
        raise Unsupported(tool.at, "searches only the web as it is, not what is kept of it")
    filters, place = native.get("filters") or {}, native.get("user_location") or {}
    place = place.get("approximate") or place  # chat has it one level lower
    where = {name: place[name] for name in PLACE if place.get(name)}
    optional = {
        "allowed_domains": filters.get("allowed_domains"),
        "blocked_domains": filters.get("blocked_domains"),
        "user_location": {"type": "approximate", **where} if where else None,
        "max_uses": tool.max_calls,
    }
    rendered: Json = {"type": "web_search_20250305", "name": "web_search"}
    return rendered | {name: value for name, value in optional.items() if value}
