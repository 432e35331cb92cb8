"""Routing: the catalog of models, the choice among backends, the walk of a request over them."""
