"""What the e-mail connector is made of."""
