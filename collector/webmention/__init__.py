"""What receiving and sending webmentions is made of."""
