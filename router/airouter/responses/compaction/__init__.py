"""Long conversations made short, for models whose providers do not do it themselves."""
