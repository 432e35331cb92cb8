"""Responses that are made while nobody waits: answered at once, polled, followed, cancelled."""
