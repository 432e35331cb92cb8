"""Pictures: OpenAI's API for clients, and what Google has in its place."""
