"""Text that nobody writes and every parser meets: random mixtures of marks, and much of one thing."""

from hypothesis import strategies as st

ODD = st.text(alphabet=st.sampled_from("ab .!?:;A-|`~$\\[](){}>*+#123\n\n \t\u2028\x85é数"), max_size=400)


def squeezed(text: str) -> str:
    """The text without white space, to tell whether anything else was lost."""
    return "".join(text.split())


LENGTH = 200_000
HOSTILE = {
    "dollars": "$" * LENGTH,
    "spaced dollars": "$ " * (LENGTH // 2),
    "far dollars": ("$" + "a" * 299) * (LENGTH // 300),
    "backticks": "`" * LENGTH,
    "backticks, then one more": "`" * LENGTH + "x`",
    "runs of backticks": " ".join("`" * n for n in range(1, 620)),
    "pipes": "|" * LENGTH,
    "a table's header and blanks": "a|b\n" + " " * LENGTH + "x",
    "a long delimiter row": "a|b\n" + "--|" * (LENGTH // 3) + "x",
    "blanks in a delimiter row": "a|b\n-- | --" + " " * LENGTH + "x",
    "open parentheses": "\\(" * (LENGTH // 2),
    "open brackets": "\\[" * (LENGTH // 2),
    "open environments": "\\begin{align}" * (LENGTH // 13),
    "open formulas, a paragraph each": "\\[ x\n\n" * (LENGTH // 6),
    "open environments, a paragraph each": "\\begin{align} x\n\n" * (LENGTH // 17),
    "open dollars, a paragraph each": "$$ x\n\n\n" * (LENGTH // 7),
    "tildes": "~~~\n" * (LENGTH // 4),
    "quotes": "> " * (LENGTH // 2) + "`",
    "full stops": ". " * (LENGTH // 2),
    "sentences of a letter": ". A" * (LENGTH // 3),
    "a full stop and blanks": "." + " " * LENGTH + "a",
    "colons": ":\n" * (LENGTH // 2),
    "a colon and blanks": ":" + " " * LENGTH,
    "line ends": "\n" * LENGTH,
    "line ends and blanks": "\n " * (LENGTH // 2) + "x",
    "items": "- a\n" * (LENGTH // 4),
    "backslashes": "\\" * LENGTH,
    "a word": "x" * LENGTH,
    "closing marks": "\"')" * (LENGTH // 3),
    "abbreviations": "e.g. " * (LENGTH // 5),
}
