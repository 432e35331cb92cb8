"""Where responses and conversations are kept: nowhere, in memory, in SQLite or in Redis."""
