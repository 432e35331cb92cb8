"""Providers: where each is, by which API it is asked, as whom, and how its errors read."""
