"""What people see: the blog with its question, the contributor's page, the desk."""
