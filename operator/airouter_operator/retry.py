"""The exception by which work on a RouterConfig is put off, from any room of the operator."""


class RetryLater(Exception):
    """The work cannot be done yet, and nothing is wrong; the message says why."""
