"""A provider played by hand, and the pools that are tested."""

from support.provider_pool import make_pool, upstream

__all__ = ["make_pool", "upstream"]
