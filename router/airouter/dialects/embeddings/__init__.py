"""Embeddings: OpenAI's API for clients, and what each other provider has in its place."""
