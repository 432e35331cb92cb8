"""Routers beside applications: a webhook of the API server puts one into pods that ask for it.

`webhook.py` answers the API server, `injector.py` decides whose router a pod gets, `patch.py` and
`sidecar.py` say what is put into it, and `registration.py` tells the API server whom to trust.
"""
