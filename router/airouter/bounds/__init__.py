"""Shares of the process for clients, so that none of them takes all."""
