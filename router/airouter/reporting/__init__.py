"""Reports to the operator on the use of RouterKeys' keys, which it writes into their status.

`key_counts.py` counts by the records of requests, `reporter.py` tells. The words are those of
`bookkeeping/key_use.py`.
"""
