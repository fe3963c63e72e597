"""What the connector of comments on a blog is made of."""
