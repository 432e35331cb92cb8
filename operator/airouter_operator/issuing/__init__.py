"""From a RouterKey that is due to a key in its Secret, and a status.

`reconcile_key.py` spells the order: leave what is another operator's (`claims.py`), ask the grants
of its RouterConfig (`grants.py`), make the key or the next one (`rotation.py`, `issuer.py`), have
the RouterConfig reconciled, and write the status (`key_status.py`, and `key_spending.py` for what
was spent). What pods serve is told by `served.py`.
"""
