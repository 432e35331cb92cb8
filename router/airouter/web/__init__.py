"""The page at `/vhealth`, for people with a browser.

`view.py` reads the router's state into rows, `board.py` knows which of them have changed since
when, `live.py` tells that to everybody who looks, `signing.py` knows who may see all of it. The
HTML is in `templates/`, made by the same macros whether a page is loaded or brought up to date.
"""
