"""Limits on requests, tokens and concurrency: reserved before a request, settled after it."""

from airouter.limits.limiter import Limiter
from airouter.limits.permit import FREE, Permit
from airouter.limits.scope import Scope

__all__ = ["FREE", "Limiter", "Permit", "Scope"]
