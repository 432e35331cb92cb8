"""The server as a process: its sockets, files and heap, and its life."""
