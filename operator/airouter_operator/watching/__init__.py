"""From the API server to the queue: the objects that are watched, and the RouterConfigs due.

`filling.py` fills the mirror. kopf's watches end in `handlers.py`, `dispatcher.py` passes them on
to the mirror and the queue, and `resync.py` corrects what they have missed. A further kind of
object is a row in `kinds.py`, and a line in `Mirror.concerned` that says which RouterConfigs it is
about.
"""
