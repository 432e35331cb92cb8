"""Serves a snapshot: accounts at providers, targets of models, and the routes to them."""
