"""The demonstration: a made-up campaign, in an instance of its own."""
