"""Pure: the one pattern that finds everything inside a paragraph that is more than plain words.

Its groups: code, role, math, round and square (LaTeX in brackets), escape, comment, shortcode, embed, wiki
with alias, alt (of a picture), label (of a link), footnote, auto (an address as its own link), tag, entity.
"""

import re

# In round brackets, an address that may hold one level of them, and a title.
_ADDRESS = r"\((?:[^()\n]++|\([^()\n]*+\))*+\)"
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\s"'<>`]++)"""

# One pass, tried in this order at every character that can begin something. Possessive repeats and bounded
# lazy ones keep hostile input linear.
SPAN = re.compile(
    r"""(?=[`\\$<!\[{&%])(?:
      (?P<code>(?<!`)(?P<ticks>`+)(?!`)(?s:.{0,4000}?)(?<!`)(?P=ticks)(?!`))
    | (?P<role>\{[a-z][\w:-]{1,30}\}`[^`\n]+`)
    | (?P<math>\$\$(?s:.{1,8000}?)\$\$
        | \$(?![\s$])(?:\\.|[^$\\])*?(?<![\s\\])\$(?!\d)
        | \$[^$\n]*[\\^_=][^$\n]*\$
        | \\begin\{(?P<env>[a-z]+\*?)\}(?s:.{0,8000}?)\\end\{(?P=env)\})
    | \\\((?P<round>(?s:.{1,2000}?))\\\)
    | \\\[(?P<square>(?s:.{1,8000}?))\\\]
    | (?P<escape>\\[^\w\s])
    | (?P<comment><!--(?s:.{0,3000}?)-->|(?<!\S)%%(?s:.{1,2000}?)%%(?!\S))
    | (?P<shortcode>\{\{[<%](?s:.{0,2000}?)[>%]\}\}?|\{%[^%\n]{0,500}%\})
    | !\[\[(?P<embed>[^\[\]\n]+)\]\]
    | \[\[(?P<wiki>[^\[\]\n|]+)(?:\|(?P<alias>[^\[\]\n]+))?\]\]
    | !\[(?P<alt>(?:[^\[\]\n]|\[[^\[\]\n]*+\])*+)\](?:ADDRESS|\[[^\[\]\n]*+\])(?:\{[^{}\n]*+\})?+
    | \[(?P<label>(?:[^\[\]\\]++|\\.|!?\[[^\[\]]*+\](?:ADDRESS)?+)*+)\]
        (?:ADDRESS(?:\{[:.\#\w][^{}\n]*+\})?+
          | \((?:https?:|www\.)\S*+ | \[[^\[\]\n^]*+\] | \{[.\#][^{}\n]*+\})
    | (?P<footnote>\[\^[^\[\]\s]+\](?::[ \t]*+)?+)
    | <(?P<auto>(?:https?|mailto|ftp):[^<>\s]+)>
    | <(?P<slash>/?)(?P<tag>[A-Za-z][A-Za-z0-9]*+)(?P<attrs>(?:\s++[\w:@.-]++(?:\s*=\s*VALUE)?+)*+)\s*+/?>
    | (?P<entity>&(?:\#\d{1,7}|\#x[0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)
    )""".replace("ADDRESS", _ADDRESS).replace("VALUE", _VALUE),
    re.VERBOSE,
)
