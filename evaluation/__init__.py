"""How well replies are read, measured on labelled rows; see docs/reference/reading.md."""
