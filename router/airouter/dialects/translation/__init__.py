"""How a request gets from a client's dialect to a provider's, and the answer back.

`base.py` says what the pipeline asks of each; `passthrough.py` is for the same dialect on both
sides, `conversing.py` for two, `batch.py` for what takes several calls, `counting.py` for tokens.
`client_apis.py` has the ways from each API for clients, `choice.py` takes one.
"""
