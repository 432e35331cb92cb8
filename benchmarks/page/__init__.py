"""What the page at `/vhealth` costs the router: for each request, and while people look at it."""
