"""What the X connector is made of."""
