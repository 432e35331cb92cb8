"""The state of the Responses API: what one response goes on from, and what is kept of it."""
