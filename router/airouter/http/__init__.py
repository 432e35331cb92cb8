"""HTTP/1.1 and WebSocket as they are on the wire, for every room that speaks them.

`upstream/` asks providers with it, `sources/` the operator, and `api/websocket.py` takes the frames
of clients by it. `edge/` reads requests by uvicorn's rules instead.
"""
