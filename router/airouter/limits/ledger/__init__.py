"""Limits that all replicas share: a ledger gives amounts of them to pods, which spend these alone.

`lease.py` and `leases.py` are a pod's side, `exchanger.py` the task that keeps it in touch with a
ledger of `base.py`. `redis.py` and `ledger.lua` are a ledger inside Redis, whose arithmetic is that
of `bookkeeping/book.py`.
"""
