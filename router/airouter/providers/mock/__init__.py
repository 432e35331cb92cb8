"""A provider that answers inside the process: for first steps, and for people's own tests.

Deterministic: the same request to the same settings gets the same bytes. `upstream.py` speaks for
it, `answers.py` decides what to say, `render.py` writes it as OpenAI would, `schema.py` and
`scalars.py` invent values. `provider.py` puts it in the place of a network.
"""

from airouter.providers.mock.upstream import MockUpstream

__all__ = ["MockUpstream"]
