"""The router beside LiteLLM's proxy, in front of the same upstream and in the same minutes.

`load.py` asks as a client does, `rival.py` installs and starts LiteLLM, `__main__.py` measures in
turns and writes the table of docs/comparison.md.
"""
