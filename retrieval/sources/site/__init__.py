"""A whole web site: which pages may be fetched, how, and in what order."""
