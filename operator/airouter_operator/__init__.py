"""Auto AI Router: the control plane. It brings a RouterConfig into running routers.

A change passes through the rooms in one order: `watching/`, `reconciling/`, `delivering/`.
`injecting/` puts routers into pods of applications, beside all that. `leading/` says which operator
acts, `kube/` is the way to the API server, `publication.py` is the contract between the rooms, and
`app.py` builds and wires them all.
"""
