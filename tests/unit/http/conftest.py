"""A provider played by hand, and the pools that connections and replies are tested through."""

from support.provider_pool import make_pool, upstream

__all__ = ["make_pool", "upstream"]
