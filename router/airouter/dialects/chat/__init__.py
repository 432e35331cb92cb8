"""OpenAI's Chat Completions, legacy completions included, which share its frame."""
