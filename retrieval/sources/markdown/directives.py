"""Pure: what the fences of MyST, Quarto, R Markdown and Obsidian mean: prose, code, a formula or nothing."""

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Directive:
    """A fence that is more than code. For code, `title` is the language; else the words beside the name."""

    kind: Literal["prose", "code", "formula", "nothing"]
    title: str
    body: str


_PROSE = re.compile(
    r"admonition|attention|caution|danger|error|hint|important|note|seealso|tip|warning|todo|"
    r"versionadded|deprecated|aside|card|details|div|dropdown|epigraph|example|exercise|figure|"
    r"glossary|grid|image|margin|panel|proof|quote|quizdown|remark|rubric|sidebar|solution|table|"
    r"tabbed|theorem|definition|lemma|corollary|topic|eval-rst|eval_rst|list-table|csv-table|"
    r"pull-quote"
)
_NOTHING = re.compile(r"bibliography|contents|iframe|index|raw|tableofcontents|toctree|video|youtube|embed|glue")
_CODE = re.compile(r"code|code-block|code-cell|sourcecode|literalinclude|ipython|jupyter-execute")
# Beside their name stands an address, not a title.
_ADDRESSED = re.compile(r"figure|image|eval-rst|eval_rst")
_NAMED = re.compile(r"\{([\w:+.-]+)([^}]*)\}\s*(.*)")
_OPTION = re.compile(r"\s*:[a-zA-Z][\w-]*:(\s.*)?")
_RST_MARKER = re.compile(r"^\s*\.\. [\w:-]+::[ \t]*(.*)$")


def directive_of(info: str, body: str) -> Directive | None:
    """What a fence with this info string is; None for an ordinary fence of code."""
    if info.startswith("ad-"):
        heading = re.match(r"\s*title:\s*(.*)\n", body)
        return Directive("prose", heading[1] if heading else "", _without_obsidian_options(body))
    named = _NAMED.match(info)
    if named is None:
        return None
    name, rest, title = named[1].lower().lstrip("."), named[2], named[3].strip()
    if _NOTHING.fullmatch(name):
        return Directive("nothing", "", "")
    if name == "math":
        return Directive("formula", "", _without_options(body))
    if _CODE.fullmatch(name):
        return Directive("code", _language(title or ("python" if name == "code-cell" else "")), _without_options(body))
    if _PROSE.fullmatch(name) or ":" in name or name.startswith(("tab-", "grid-", "callout", "admonition")):
        text = _from_rst(body) if name.startswith("eval") else _without_options(body)
        return Directive("prose", "" if _ADDRESSED.fullmatch(name) else title, text)
    # A chunk of R Markdown or Quarto (`{python}`, `{r setup, echo=FALSE}`) or a Pandoc class (`{.python .x}`).
    return Directive("code", name if not rest.startswith("=") else "", body)


def _language(title: str) -> str:
    word = title.split()[0].lower() if title else ""
    return "python" if word.startswith(("ipython", "python")) else word


def _without_options(body: str) -> str:
    """The body below its options, which come as `:key: value` lines or as YAML between `---` lines."""
    lines = body.split("\n")
    if lines[0].strip() == "---" and "---" in (line.strip() for line in lines[1:]):
        lines = lines[next(i for i, line in enumerate(lines[1:], 2) if line.strip() == "---") :]
    while lines and _OPTION.fullmatch(lines[0]):
        lines = lines[1:]
    return "\n".join(lines)


def _without_obsidian_options(body: str) -> str:
    return re.sub(r"\A(?:\s*(?:title|collapse|icon|color):.*\n)+", "", body)


def _from_rst(body: str) -> str:
    """The prose in a piece of reStructuredText: markers, options and addresses go, the indent with them."""
    kept = []
    for line in body.split("\n"):
        marker = _RST_MARKER.match(line)
        if marker:
            kept.append(marker[1] if " " in marker[1].strip() else "")
        elif not _OPTION.fullmatch(line):
            kept.append(line.strip())
    return "\n".join(kept)
