"""Money that clients may spend in a period: reserved before a request, paid for after it.

`budget_scope.py` is the budget of one name in the period that it is, `budgets.py` all of them,
`spending.py` what one request has reserved, `stream_meter.py` what a stream costs as it goes. Where
the money comes from is the ledger's affair (`limits/ledger/`).
"""
