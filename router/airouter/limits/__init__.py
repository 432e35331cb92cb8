"""Limits on requests, tokens and concurrency: reserved before a request, settled after it."""

from airouter.limits.unlimited import Limiter, Permit, Unlimited

__all__ = ["Limiter", "Permit", "Unlimited"]
