"""Where a configuration comes from."""
