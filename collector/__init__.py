"""Stage 1, hear people: connectors, the poll cycle, the first reading, sending."""
