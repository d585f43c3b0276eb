"""Pure: the include and exclude patterns of a course file."""

import re
from collections.abc import Iterable
from functools import lru_cache


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """`**` spans folders, `*` and `?` do not; a pattern without a slash matches the name anywhere."""
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    pattern = pattern.removeprefix("/")
    if pattern.endswith("/"):
        pattern += "**"
    out = ""
    for token in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern, re.DOTALL):
        out += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(
            token, token if token.startswith("[") and len(token) > 1 else re.escape(token)
        )
    return re.compile(out, re.DOTALL)


def selected(path: str, include: Iterable[str], exclude: Iterable[str]) -> bool:
    """Whether a POSIX path is wanted: it matches an include, if there are any, and no exclude."""
    include = tuple(include)
    wanted = not include or any(_compiled(pattern).fullmatch(path) for pattern in include)
    return wanted and not any(_compiled(pattern).fullmatch(path) for pattern in exclude)
