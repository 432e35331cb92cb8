"""The cases of `make bench`: the router beside nginx, on one core, in the same minutes.

The server under test has core 0 for itself; load and upstream share core 1. Every figure is a ratio
to what nginx does as reverse proxy in the same run, as machines differ and drift.

`cases.py` says what is measured, `processes.py`, `nginx.py` and `router.py` start things, `wrk.py`,
`streams.py` and `latency.py` make load, `clients.py` compares upstream clients, `report.py` writes
it down.
"""
