"""Pure: prepares an answer's Markdown for a terminal, where formulas cannot be drawn."""

import re

import unicodeit

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]+`)", re.DOTALL)
# No formula holds the mark that opens one, and none is endless: what is left open costs no time.
# In a block quote every line begins with ">", which is no part of the formula.
_QUOTED = re.compile(r"^[ \t]*>[ \t]?", re.MULTILINE)
_DISPLAY = re.compile(
    r"(?:^[ \t]*>[ \t]?)?\$\$([^$]{1,2000})\$\$|\\\[((?:(?!\\\[).){1,2000}?)\\\]", re.DOTALL | re.MULTILINE
)
_INLINE = re.compile(r"(?<![\\$])\$(?!\s)([^$\n]{1,300}?)(?<!\s)\$(?!\d)|\\\(((?:(?!\\\().){1,300}?)\\\)")
# unicodeit takes the \\l of \\log for a Polish letter; names of functions are taken out before it looks.
_FUNCTION = re.compile(
    r"\\(log|ln|lim|exp|sin|cos|tan|tanh|max|min|arg|det|dim|sup|inf|Pr|deg|gcd|ker|sec)(?![a-zA-Z])"
)
_STYLE = re.compile(
    r"\\(?:mathbf|mathrm|mathcal|mathbb|boldsymbol|text|textsf|operatorname|underbrace)(?:\s*\{([^{}]*)\}|\s+([^\W\d_]))"
)
_LEFT_RIGHT = re.compile(r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\s*")
_SHORT_FRACTION = re.compile(r"\\[dt]?frac(\d)(\d)")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}")
_CITATION = re.compile(r"(?<!\w)\[(\d{1,2})\]")


def readable(markdown: str) -> str:
    """Inline formulas become Unicode, display formulas a block of their own; code stays as it is."""
    parts = _CODE.split(markdown)
    for index in range(0, len(parts), 2):
        text = _DISPLAY.sub(
            lambda m: f"\n\n```\n{_unicode(_QUOTED.sub('', m.group(1) or m.group(2)))}\n```\n\n", parts[index]
        )
        text = "".join(
            piece if number % 2 else _INLINE.sub(lambda m: f"`{_unicode(m.group(1) or m.group(2))}`", piece)
            for number, piece in enumerate(_CODE.split(text))
        )
        parts[index] = _CITATION.sub(r"**\\[\1]**", text)
    return "".join(parts)


def _unicode(latex: str) -> str:
    """As near as Unicode comes; what it cannot say stays LaTeX."""
    text = _FUNCTION.sub(r"\1", _LEFT_RIGHT.sub("", latex.strip()))
    text = _SHORT_FRACTION.sub(r"\1/\2", text).replace("\\qquad", "  ").replace("\\quad", " ").replace("\\!", "")
    for _ in range(3):
        text = _STYLE.sub(lambda m: m.group(1) or m.group(2) or "", _FRACTION.sub(r"(\1)/(\2)", text))
    lines = (unicodeit.replace(line.strip()) for line in text.splitlines())
    return "\n".join(line.replace("\\,", " ").replace("\\;", " ").replace("\\|", "‖") for line in lines if line)
