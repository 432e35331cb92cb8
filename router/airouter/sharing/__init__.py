"""The ways by which replicas tell each other of bans: a Redis, the operator, or both.

`shared_bans.py` connects a process with the boards that there are, `link.py` keeps it in touch with
one. What is told, and which word is the newest, is in `bans/`.
"""
