"""What `make bench-hostile` runs: nobody takes the router down.

One client sends the worst that we know of; another asks for something small every 50 ms. The bar:
each small answer comes within 250 ms, and the router stays below 512 MiB.

`inputs/` has what is sent, by `attack.py`, a process of its own; `asking.py`, another, asks for the
small answers, and beside them an echo on the router's core, whose delays are the machine's.
`stage.py` starts it all, `soak.py` mixes it for minutes, with reloads.
"""
