"""Auto AI Router: the data plane. An OpenAI-compatible router for language models."""

__version__ = "0.1.0"
