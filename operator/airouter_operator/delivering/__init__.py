"""From a published snapshot to the pods that run it, and back.

`stream.py` answers the polls of pods from what `channels.py` has for them; `pods.py` keeps what
each poll says of its pod. `exchanges.py` answers what they say to the `ledger.py` of their limits,
of which `write_ahead.py` and `ledger_store.py` keep what must not be forgotten, `ban_server.py`
what they tell of bans, which `ban_board.py` keeps, and `use_server.py` what they tell of the use of
keys, which `key_uses.py` keeps until it is in a status. Whatever else pods ask of the operator over
that port goes in here.
"""
