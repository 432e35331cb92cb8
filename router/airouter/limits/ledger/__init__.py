"""Limits that all replicas share: a ledger gives amounts of them to pods, which spend these alone.

`messages.py` is what both sides say to each other, `book.py` the ledger's arithmetic, `redis.py`
and `ledger.lua` the same inside Redis. `lease.py` and `leases.py` are a pod's side,
`exchanger.py` the task that keeps it in touch.
"""
