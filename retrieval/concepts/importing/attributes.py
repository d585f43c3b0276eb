"""Pure: from the freely named attributes of common graph formats to the nouns of a listing."""

from collections.abc import Iterable, Mapping

from retrieval.concepts.importing.model import ListedConcept, ListedEdge, ListedResource, Listing

_TITLE = ("title", "label", "name", "text")
_DEFINITION = ("definition", "description", "desc", "summary")
_ALIASES = ("aliases", "alias", "synonyms", "also_known_as")
_SORT = ("node_type", "type", "category", "class", "kind")
_URL = ("url", "href", "link", "uri")
_SPAN = ("span", "time", "timecode", "page")
_RELATION = ("relation", "relationship", "type", "edge_type", "predicate", "label", "name", "title", "key")
_RESOURCES = frozenset(
    "document lecture notes page paper pdf resource slide slides url video webpage web_page website".split()
)
_IGNORED = frozenset("author code course example person question snippet".split())


def node(id_: str, attributes: Mapping[str, str]) -> ListedConcept | ListedResource | str:
    """A node as a concept or a resource; its id alone where it says that it is something else.

    `attributes` have lower-case names.
    """
    sort = _first(attributes, _SORT).strip().lower().replace(" ", "_")
    url, title = _first(attributes, _URL), _first(attributes, _TITLE)
    if id_.startswith(("http://", "https://")) or sort in _RESOURCES:
        return ListedResource(id_, url or id_, sort, title, _first(attributes, _SPAN))
    if sort in _IGNORED:
        return id_
    return ListedConcept(id_, title, _first(attributes, _DEFINITION), _names(_first(attributes, _ALIASES)))


def edge(source: str, target: str, attributes: Mapping[str, str], directed: bool = True) -> ListedEdge:
    """An edge; without a type it says that its ends are related, no more."""
    try:
        confidence = float(attributes.get("confidence", 1.0))
    except ValueError:
        confidence = 1.0
    type_ = _first(attributes, _RELATION) or "RELATED_TO"
    return ListedEdge(source, target, type_, attributes.get("kind", ""), confidence, directed)


def listing(nodes: Iterable[ListedConcept | ListedResource | str], edges: Iterable[ListedEdge]) -> Listing:
    """Nodes sorted by what they are, with the edges."""
    concepts: list[ListedConcept] = []
    resources: list[ListedResource] = []
    ignored: list[str] = []
    for listed in nodes:
        if isinstance(listed, ListedConcept):
            concepts.append(listed)
        elif isinstance(listed, ListedResource):
            resources.append(listed)
        else:
            ignored.append(listed)
    return Listing(tuple(concepts), tuple(resources), tuple(edges), tuple(ignored))


def _first(attributes: Mapping[str, str], names: Iterable[str]) -> str:
    return next((attributes[name] for name in names if attributes.get(name, "").strip()), "")


def _names(joined: str) -> tuple[str, ...]:
    for separator in "\n", ";", "|":
        if separator in joined:
            return tuple(name.strip() for name in joined.split(separator) if name.strip())
    return (joined.strip(),) if joined.strip() else ()
