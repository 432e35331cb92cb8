"""The server as a process: its sockets, its files, its first and its last byte."""
