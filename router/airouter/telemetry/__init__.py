"""Metrics, traces and logs about the router's work, written off the hot path."""
