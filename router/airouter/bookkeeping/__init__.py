"""The book of a ledger of limits, and the words that pods exchange with a ledger or an operator.

Pure, and of the standard library and msgspec alone: a router counts by it, and so does an operator.
`window.py` is a minute that slides, `periods.py` the calendar of budgets and `money.py` their unit,
`messages.py` the exchange, `book.py` a ledger's arithmetic. `key_use.py` is what an operator is
told of the use of keys.
"""
