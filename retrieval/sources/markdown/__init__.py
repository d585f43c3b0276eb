"""Markdown in its many dialects: the block structure, the prose between, and the sections that come of it."""
