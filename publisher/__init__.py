"""Stage 3, credit people: a grant becomes a Markdown post and a page of the blog."""
