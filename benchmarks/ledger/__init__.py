"""The cost of an operator's ledger, asked by as many pods as a large RouterConfig has.

`operator.py` is the operator's stream in a process of its own, `pods.py` the pods' side of it.
"""
