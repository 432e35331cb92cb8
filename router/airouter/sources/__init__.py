"""The sources of a configuration: manifests in files, a mounted Secret, the operator's stream.

Each source offers what it has to `config/store.py`, which decides what is served.
"""
