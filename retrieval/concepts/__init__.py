"""From passages to a clean concept graph: what is taught, what it needs first, and what it is easily confused with."""
