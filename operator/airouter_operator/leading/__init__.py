"""Which operator acts: the replica that holds the Lease, the one of two strangers, the trusted one.

`lease.py` decides among the replicas of one operator, `ownership.py` between operators that know
nothing of each other, and `authority.py` lets pods tell the operator from anybody else.
"""
