"""Finds the formulas of a web page, however its generator set them, and gives them back as LaTeX.

Knows the DOM and TeX; nothing of documents or Markdown blocks.
"""

import re

from selectolax.lexbor import LexborNode

# A formula travels through text between these characters, which `visible` takes out of all that is read.
INLINE, DISPLAY, END = "\x01", "\x02", "\x03"
_UNSEEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\xad\u200b\u2060\ufeff]")

_SCRIPTS = 'script[type^="math/tex"]'
_TEX = 'annotation[encoding="application/x-tex"], annotation[encoding="TeX"], annotation[encoding="LaTeX"]'
_RENDERED = ".katex-display, .katex, .mwe-math-element, mjx-container, span.math, div.math, .arithmatex, d-math, math"
_MATHJAX2 = ".MathJax_Preview, .MathJax_Display, .MathJax, .MathJax_SVG, .MathJax_CHTML, .MJX_Assistive_MathML"
_PICTURES = "img.latex, img.tex, img.math, img.mwe-math-fallback-image-inline, img.mwe-math-fallback-image-display"
_DELIMITERS = (("\\(", "\\)", False), ("\\[", "\\]", True), ("$$", "$$", True), ("$", "$", False))
_INNER_DELIMITER = re.compile(r"(?<!\\)(?:\\[\[\]()]|\$\$)")
_STYLE_WRAPPER = re.compile(r"\{\\(?:displaystyle|textstyle)\s+(.*)\}", re.S)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_MATHML_DEPTH = 60
_FRAMES = {  # how many children, and how TeX writes them
    "mfrac": (2, "\\frac{{{0}}}{{{1}}}"),
    "msup": (2, "{0}^{{{1}}}"),
    "mover": (2, "{0}^{{{1}}}"),
    "msub": (2, "{0}_{{{1}}}"),
    "munder": (2, "{0}_{{{1}}}"),
    "msubsup": (3, "{0}_{{{1}}}^{{{2}}}"),
    "munderover": (3, "{0}_{{{1}}}^{{{2}}}"),
    "mroot": (2, "\\sqrt[{1}]{{{0}}}"),
}


def find_formulas(root: LexborNode) -> dict[int, str]:
    """The elements of a page that stand for formulas, by `mem_id`, with what to write in their place.

    That is LaTeX between INLINE or DISPLAY and END, or nothing where the same formula is written by
    another element (what MathJax drew beside its script).
    """
    found: dict[int, str] = {}
    scripts = root.css(_SCRIPTS)
    for script in scripts:
        found[script.mem_id] = mark(script.text(), display="mode=display" in (script.attributes["type"] or ""))
    for drawn in root.css(_MATHJAX2):
        text = "" if scripts else _written(drawn)
        if text is not None:
            found[drawn.mem_id] = text
    for node in root.css(_RENDERED):
        text = _written(node)
        if text is not None:
            found[node.mem_id] = text
    for picture in root.css(_PICTURES):
        found[picture.mem_id] = mark(picture.attributes.get("alt") or "", display=False)
    return found


def visible(text: str) -> str:
    """Text without control characters, soft hyphens and other marks of no width."""
    return _UNSEEN.sub("", text)


def mark(tex: str, display: bool) -> str:
    """LaTeX between the marks, or nothing if there is none."""
    tex = clean_tex(visible(tex))
    return f"{DISPLAY if display else INLINE}{tex}{END}" if tex else ""


def clean_tex(tex: str) -> str:
    """LaTeX without delimiters, comments, CDATA lines and blank lines, which would end it in Markdown."""
    bare = _undelimited(tex)
    if bare:
        tex = bare[0]
    wrapper = _STYLE_WRAPPER.fullmatch(tex.strip())
    if wrapper:
        tex = wrapper[1]
    lines = (" ".join(line.split()) for line in _COMMENT.sub("", tex).splitlines())
    return "\n".join(line for line in lines if line)


def _written(node: LexborNode) -> str | None:
    """The marked formula of one element, None where the element is no single formula."""
    classes = (node.attributes.get("class") or "").split()
    display = (
        bool({"katex-display", "display", "MathJax_Display"} & set(classes))
        or node.attributes.get("display") in ("block", "true")
        or node.css_first('math[display="block"]') is not None
        or "block" in node.attributes
    )
    sources = node.css(_TEX)
    formulas = node.css("math")
    if (sources or formulas) and {"math", "arithmatex"} & set(classes):
        return None  # a box around drawn formulas, and perhaps words: each formula is found on its own
    if len(sources) == 1 or (sources and "katex" in classes):
        return mark(sources[0].text(), display)
    if len(formulas) == 1:
        return mark(formulas[0].attributes.get("alttext") or _from_mathml(formulas[0]), display)
    if sources or formulas:
        return None
    return _plain(node, classes, display)


def _plain(node: LexborNode, classes: list[str], display: bool) -> str | None:
    """A formula whose TeX is the element's text, as Pandoc, Sphinx, arithmatex and Distill write it."""
    tex = "".join(child.text() for child in node.iter(include_text=True) if "eqno" not in _classes(child))
    bare = _undelimited(tex)
    if bare:
        return mark(bare[0], display or bare[1])
    if node.tag == "d-math" or (node.tag == "span" and {"inline", "display"} & set(classes)):
        return mark(tex, display)
    return None


def _undelimited(tex: str) -> tuple[str, bool] | None:
    """What stands between TeX delimiters, and whether they are those of a display; None for anything else."""
    tex = tex.strip()
    for opening, closing, display in _DELIMITERS:
        if tex.startswith(opening) and tex.endswith(closing) and len(tex) >= len(opening) + len(closing):
            inner = tex[len(opening) : -len(closing)]
            return None if _INNER_DELIMITER.search(inner) else (inner, display)
    return None


def _classes(node: LexborNode) -> list[str]:
    return (node.attributes.get("class") or "").split() if node.is_element_node else []


def _from_mathml(node: LexborNode, depth: int = 0) -> str:
    """MathML that brings no TeX along: fractions, scripts and roots keep their meaning, the rest its symbols."""
    children = list(node.iter())
    if not children or depth > _MATHML_DEPTH:
        return node.text().strip()
    parts = [_from_mathml(child, depth + 1) for child in children if not (child.tag or "").startswith("annot")]
    arity, frame = _FRAMES.get(node.tag or "", (0, ""))
    if frame and len(parts) == arity:
        base = f"{{{parts[0]}}}" if " " in parts[0] and node.tag not in ("mfrac", "mroot") else parts[0]
        return frame.format(base, *parts[1:])
    if node.tag == "mtr":
        return " & ".join(parts)
    if node.tag == "mtable":
        return "\\begin{matrix} " + " \\\\ ".join(parts) + " \\end{matrix}"
    inside = " ".join(part for part in parts if part)
    return f"\\sqrt{{{inside}}}" if node.tag == "msqrt" else inside
