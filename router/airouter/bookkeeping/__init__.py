"""The book of a ledger of limits, and the words that pods and a ledger exchange.

Pure, and of the standard library and msgspec alone: a router counts by it, and so does an operator.
`window.py` is a minute that slides, `messages.py` the exchange, `book.py` a ledger's arithmetic.
"""
