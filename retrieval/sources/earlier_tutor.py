"""Recognises what earlier tutors answered: often wrong, so it must never become a passage."""

import re

REASON = "answers of an earlier tutor, not course material"

_GRAPH_LINE = re.compile(
    r"^\s*(?:[-*]\s*)?(?:Concept|Resource): \S|^\s*(?:[-*]\s*)?\S.*?\s--\[\w+\]-->\s*\S", re.MULTILINE
)
_GRAPH_LABEL = re.compile(r"^\W*(RAG Context|Identified Concepts|Nodes|Edges)\W*:", re.MULTILINE)
# Lines of the web page around an answer: its settings, its counters, its buttons. Elsewhere such words
# stand in sentences, not alone on their lines.
_PAGE_LINES = frozenset(
    ("semantic search results", "prerequisite depth", "max concepts", "knowledge graph stats", "clear chat")
)
_FEWEST = 3


def is_tutor_output(text: str) -> bool:
    """Whether a text is a dump of answers with their graph context, or a saved page of a tutor."""
    labels = set(_GRAPH_LABEL.findall(text))
    if (labels & {"RAG Context", "Identified Concepts"} or labels >= {"Nodes", "Edges"}) and (
        len(_GRAPH_LINE.findall(text)) > 1
    ):
        return True
    return len(_PAGE_LINES & {line.strip(" \t#*-_>|:").lower() for line in text.split("\n")}) >= _FEWEST
