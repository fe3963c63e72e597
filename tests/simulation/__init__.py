"""A year of many people on five channels, with everything going wrong that can: see `year`."""
