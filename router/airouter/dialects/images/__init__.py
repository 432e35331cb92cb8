"""Images: OpenAI's API for clients, and Google's APIs that take its place."""
