"""What the Mastodon connector is made of."""
