"""What the import of files is made of."""
