"""Words of bans as replicas tell each other, and a book of the newest word of each.

Pods and the operator know this room alike: `sharing/` carries it between pods, by a Redis or by the
operator, and `routing/fail2ban.py` decides what there is to tell.
"""
