"""`/admin/bans`: bans by hand, for whoever has the master key."""

from __future__ import annotations

from dataclasses import asdict
from time import monotonic
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import Request  # noqa: TC002 - FastAPI reads the annotations
from pydantic import TypeAdapter, ValidationError

from airouter.api.asgi import read_exchange
from airouter.api.health import ban_health
from airouter.api.parts import parts_of, principal_of
from airouter.config.resource.fields import Period
from airouter.dialects.checking import checked_body
from airouter.failures import Failure, invalid_field, master_only, truncated

if TYPE_CHECKING:
    from fastapi import APIRouter

    from airouter.routing.fail2ban import Bans

PATH = "/admin/bans/{credential}"
LARGEST_BODY = 4_096
"""Bytes."""
BODY = {
    "required": False,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "duration": {
                        "type": "string",
                        "description": "From 1s to 720h. Default: until the ban is lifted.",
                        "examples": ["30m"],
                    }
                },
            }
        }
    },
}
_period = TypeAdapter(Period)


class BanBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a request that bans a credential."""

    duration: str | None = None


_body = msgspec.json.Decoder(BanBody)


def add_bans(routes: APIRouter) -> None:
    """Ban a credential, and lift its bans, for all replicas."""

    @routes.post(PATH, tags=["Operations"], openapi_extra={"requestBody": BODY})
    async def ban_credential(credential: str, request: Request) -> dict[str, Any]:
        check_master(request)
        bans = parts_of(request).state.bans
        body = (await read_exchange(request, LARGEST_BODY)).body or b"{}"
        seconds = seconds_of(checked_body(body, _body))
        now = monotonic()
        try:
            bans.ban(credential, seconds, now)
        except KeyError:
            raise no_credential(credential) from None
        return shown(bans, credential, now)

    @routes.delete(PATH, tags=["Operations"])
    async def lift_bans(credential: str, request: Request) -> dict[str, Any]:
        check_master(request)
        bans = parts_of(request).state.bans
        try:
            bans.lift(credential)
        except KeyError:
            raise no_credential(credential) from None
        return shown(bans, credential, monotonic())


def check_master(request: Request) -> None:
    """Raise `Failure` 401, 403, 503 for whoever has no master key."""
    if not principal_of(request).is_master:
        raise master_only()


def seconds_of(body: BanBody) -> float | None:
    """Return the length of a ban; None where it has no end. Raises `Failure` 400."""
    if body.duration is None:
        return None
    try:
        return _period.validate_python(body.duration)
    except ValidationError:
        raise invalid_field("duration", "'duration' must be from 1s to 720h, like 30m.") from None


def shown(bans: Bans, credential: str, now: float) -> dict[str, Any]:
    """Return a credential's bans as JSON."""
    known = [each for each in bans.known(now) if each.credential == credential]
    return {"credential": credential, "bans": [asdict(ban_health(each)) for each in known]}


def no_credential(name: str) -> Failure:
    """A name that no credential has."""
    return Failure(404, f"There is no credential '{truncated(name)}'.", code="unknown_credential")
