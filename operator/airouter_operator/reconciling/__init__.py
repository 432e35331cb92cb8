"""From a key that is due to what should be: a published snapshot, a status, and Events.

`reconcile.py` spells the order: gather and compile (`compilation.py`), publish (`publish.py`),
offer the publication to pods (`delivering/`), write the status and Events (`status_writer.py`).
Whatever else goes into a snapshot is gathered in `compilation.py`, too.
"""
