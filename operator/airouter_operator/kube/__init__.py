"""The API server, as far as the operator needs it: objects, paths, errors, and one client.

Objects are plain JSON, because server-side apply is about just the fields that one names.
"""
