"""HTML pages as Markdown, with their formulas, tables and anchors."""
