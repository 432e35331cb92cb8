"""Tells what only traces have of a request: what was asked, what was answered, and what was said.

Nothing here runs for a request that is not recorded.
"""
