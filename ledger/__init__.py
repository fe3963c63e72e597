"""The shared ground: everything that must not be lost, and nothing that knows the web."""
