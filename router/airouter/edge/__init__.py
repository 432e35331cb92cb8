"""The entrance of bytes: a uvicorn protocol that takes the hot paths straight to the pipeline.

A plain `POST` to a hot path is collected here and served by a coroutine that starts at once, with
no ASGI scope, queue or task hand-over in between. Everything else, and whatever is not plain
(chunked or large bodies, `Expect`, a query), goes to `super()`, so to the FastAPI
application, which serves the same paths by the same pipeline.

uvicorn keeps its own rules for pipelining, shutdown and flow control: an `EdgeExchange` stands in
its queue beside uvicorn's own request cycles.
"""

from airouter.edge.protocol import EdgeProtocol
from airouter.edge.shared import Edge

__all__ = ["Edge", "EdgeProtocol"]
