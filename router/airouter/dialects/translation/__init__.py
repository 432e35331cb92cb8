"""How a request gets from a client's dialect to a provider's, and the answer back.

`base.py` says what the pipeline asks of each; `passthrough.py` is for the same dialect on both
sides, `translation.py` for two, `batch.py` for what takes several calls, `counting.py` for tokens.
"""
