"""Pure: the include and exclude patterns of a course file."""

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """`**` spans folders, `*` and `?` do not; a pattern without a slash matches the name anywhere.

    A plain name at the end may be a folder's and then stands for all that is in it, so that nobody who
    excludes "solutions" publishes them.
    """
    if "/" not in pattern.removesuffix("/"):
        pattern = f"**/{pattern}"
    pattern = pattern.removeprefix("./").removeprefix("/")
    if pattern.endswith("/"):
        pattern += "**"
    out = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(token) or _one_of(token)
    if not set(pattern.rpartition("/")[2]) & set("*?["):
        out += "(?:/.*)?"
    return re.compile(out, re.DOTALL)


def _one_of(token: str) -> str:
    """`[a-z]` and `[!a-z]` as regular expressions; anything else, a range from z to a included, as itself."""
    if not (token.startswith("[") and len(token) > 1):
        return re.escape(token)
    inside = token[1:-1]
    negated = inside[:1] in ("!", "^") and len(inside) > 1
    members = "".join(
        f"{re.escape(found[1])}-{re.escape(found[2])}" if found[1] else re.escape(found[0])
        for found in re.finditer(r"(.)-(.)|.", inside[1:] if negated else inside, re.DOTALL)
    )
    expression = f"(?!/)[{'^' if negated else ''}{members}]"
    try:
        re.compile(expression)
    except re.error:
        return re.escape(token)
    return expression


def selected(path: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Whether a POSIX path is wanted: it matches an include, if there are any, and no exclude."""
    include = tuple(include)
    wanted = not include or any(_compiled(pattern).fullmatch(path) for pattern in include)
    return wanted and not any(_compiled(pattern).fullmatch(path) for pattern in exclude)
