"""One answer of several streams: what a backend began and broke off, another one goes on with.

`seam.py` joins the events of the streams, `resuming.py` writes the request that has a model go on,
and `joined_answer.py` holds what outlives an attempt; `translation/conversing.py` puts it to work.
"""
