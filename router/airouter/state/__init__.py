"""Stores of responses and conversations: none, memory, SQLite, Redis."""
