"""Pure: Office formulas (OMML) as LaTeX, as far as lecture slides need it; what is unknown keeps its letters."""

from collections.abc import Callable, Iterator
from typing import Any

_NARY = {"∑": "\\sum", "∏": "\\prod", "∫": "\\int", "⋃": "\\bigcup", "⋂": "\\bigcap", "": "\\int"}
_ACCENTS = {"̂": "\\hat", "̃": "\\tilde", "̅": "\\bar", "̄": "\\bar", "⃗": "\\vec", "̇": "\\dot", "": "\\hat"}
_BRACKETS = {"{": "\\{", "}": "\\}", "": "."}


def latex_of(element: Any) -> str:
    """The formulas in an XML element between dollar signs; double ones when they stand on lines of their own."""
    for tag, mark in (("oMathPara", "$$"), ("oMath", "$")):
        body = " ".join(_children(formula).strip() for formula in _named(element, tag)).strip()
        if body:
            return f"{mark}{body}{mark}"
    return ""


def strip_namespace(tag: object) -> str:
    """`{http://...}oMath` as `oMath`; comments and instructions have no name."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _named(element: Any, name: str) -> Iterator[Any]:
    return (node for node in element.iter() if strip_namespace(node.tag) == name)


def _children(element: Any) -> str:
    return "".join(_node(child) for child in element.iterchildren())


def _part(element: Any, name: str) -> str:
    """The LaTeX of the child with this name, empty when there is none."""
    found = next((child for child in element.iterchildren() if strip_namespace(child.tag) == name), None)
    return "" if found is None else _children(found).strip()


def _property(element: Any, name: str, default: str) -> str:
    settings = next((child for child in element.iterchildren() if strip_namespace(child.tag).endswith("Pr")), None)
    node = None if settings is None else next(_named(settings, name), None)
    if node is None:
        return default
    return next((value for key, value in node.attrib.items() if strip_namespace(key) == "val"), default)


def _node(element: Any) -> str:
    name = strip_namespace(element.tag)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr"):
        return ""
    build = _BUILDERS.get(name)
    return build(element) if build else _children(element)


def _fraction(element: Any) -> str:
    return f"\\frac{{{_part(element, 'num')}}}{{{_part(element, 'den')}}}"


def _scripts(element: Any) -> str:
    under, over = _part(element, "sub"), _part(element, "sup")
    base = _part(element, "e")
    base = base if len(base) == 1 else f"{{{base}}}"
    return base + (f"_{{{under}}}" if under else "") + (f"^{{{over}}}" if over else "")


def _root(element: Any) -> str:
    degree = _part(element, "deg")
    return "\\sqrt" + (f"[{degree}]" if degree else "") + f"{{{_part(element, 'e')}}}"


def _nary(element: Any) -> str:
    sign = _NARY.get(_property(element, "chr", ""), "\\sum")
    under, over = _part(element, "sub"), _part(element, "sup")
    limits = (f"_{{{under}}}" if under else "") + (f"^{{{over}}}" if over else "")
    return f"{sign}{limits} {_part(element, 'e')}"


def _delimited(element: Any) -> str:
    opening, closing = _property(element, "begChr", "("), _property(element, "endChr", ")")
    inner = ", ".join(_children(child).strip() for child in element.iterchildren() if strip_namespace(child.tag) == "e")
    return f"\\left{_BRACKETS.get(opening, opening)} {inner} \\right{_BRACKETS.get(closing, closing)}"


def _accent(element: Any) -> str:
    return _ACCENTS.get(_property(element, "chr", ""), "\\hat") + f"{{{_part(element, 'e')}}}"


def _limit(element: Any) -> str:
    return f"{_part(element, 'e')}_{{{_part(element, 'lim')}}}"


def _function(element: Any) -> str:
    name = _part(element, "fName")
    known = name.split("_")[0] in ("log", "ln", "exp", "sin", "cos", "tan", "tanh", "max", "min", "lim", "arg")
    return ("\\" if known else "") + f"{name} {_part(element, 'e')}"


def _matrix(element: Any) -> str:
    rows = [
        " & ".join(_children(cell).strip() for cell in row.iterchildren() if strip_namespace(cell.tag) == "e")
        for row in element.iterchildren()
        if strip_namespace(row.tag) == "mr"
    ]
    return "\\begin{matrix} " + " \\\\ ".join(rows) + " \\end{matrix}"


_BUILDERS: dict[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSub": _scripts,
    "sSup": _scripts,
    "sSubSup": _scripts,
    "rad": _root,
    "nary": _nary,
    "d": _delimited,
    "acc": _accent,
    "limLow": _limit,
    "func": _function,
    "m": _matrix,
}
