"""The site as a graph: what stands, the outputs that show it, and what has to be made again."""
