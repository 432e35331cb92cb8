"""Requests from a client's dialect to a provider's, and the answers back.

`base.py` has what the pipeline asks of a translation; `passthrough.py` is for one dialect on both
sides, `conversing.py` for two, `batch.py` for requests that take several calls, `counting.py` for
tokens. `client_apis.py` has the ways from each API for clients, `choice.py` takes one.
"""
