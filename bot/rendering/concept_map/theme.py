"""Pure: the colours of a map, for the backgrounds of Slack and Discord. Knows no shapes."""

from dataclasses import dataclass
from typing import Literal

from retrieval.concepts.views import Role

Theme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Paint:
    """Of a box: its inside, its border and its letters."""

    fill: str
    border: str
    text: str


@dataclass(frozen=True, slots=True)
class Palette:
    """All colours of one theme. `depths` are the insides of a course map's boxes, from the first level to the last,
    `families` its lines in turn, so that an eye can follow them.
    """

    background: str
    text: str
    quiet: str
    boxes: dict[Role, Paint]
    lines: dict[str, str]
    depths: tuple[str, ...]
    families: tuple[str, ...]


# The hues are blue, vermilion, green and purple of Okabe and Ito (2008), which colour-blind readers tell apart;
# shapes and strokes say the same once more.
_LIGHT = Palette(
    background="#ffffff",
    text="#1d1c1d",
    quiet="#616061",
    boxes={
        "focus": Paint("#0b5fa5", "#08477c", "#ffffff"),
        "prerequisite": Paint("#fdeedd", "#d98324", "#3b2408"),
        "leads_to": Paint("#dcf3ea", "#0a8f68", "#06382a"),
        "related": Paint("#f8e9f3", "#b4588f", "#431a34"),
        "concept": Paint("#eaf2fa", "#6f93b5", "#152b40"),
    },
    lines={"prerequisite": "#d39a56", "leads_to": "#3ba486", "related": "#bb6f9e", "concept": "#9aa9b8"},
    depths=("#f3f8fc", "#e3eff9", "#d2e5f5", "#c0daf0", "#adceea"),
    families=("#5b8db8", "#c98a3a", "#3f9c7e", "#b06a97", "#8a8f3c", "#8878c3"),
)
_DARK = Palette(
    background="#313338",
    text="#f2f3f5",
    quiet="#b5bac1",
    boxes={
        "focus": Paint("#4ba3e8", "#a9d5fa", "#0b1a28"),
        "prerequisite": Paint("#4d3c27", "#e69f4a", "#fdebd3"),
        "leads_to": Paint("#1f473c", "#37c79a", "#d9f7ec"),
        "related": Paint("#4a3344", "#d98abb", "#fae3f1"),
        "concept": Paint("#38475a", "#7fa3c8", "#e8f1fa"),
    },
    lines={"prerequisite": "#b5823f", "leads_to": "#2f9f7c", "related": "#b8749d", "concept": "#76818f"},
    depths=("#37404b", "#364656", "#344d63", "#325470", "#2f5b7e"),
    families=("#6fa3d0", "#cf9750", "#55b295", "#c585ae", "#a5aa58", "#a297d8"),
)


def palette(theme: Theme) -> Palette:
    """Raises ValueError for a theme there is not."""
    if theme not in ("light", "dark"):
        raise ValueError(f"no theme is called {theme!r}")
    return _LIGHT if theme == "light" else _DARK
