"""What the Bluesky connector is made of."""
