"""Requests, tokens and concurrency: reserved before a request, settled with what it really used."""

from airouter.limits.unlimited import Limiter, Permit, Unlimited

__all__ = ["Limiter", "Permit", "Unlimited"]
