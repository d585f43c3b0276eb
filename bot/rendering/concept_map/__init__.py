"""Pictures of concept maps. Costs matplotlib: import it where a picture is asked for, not before."""

from bot.rendering.concept_map.drawing import draw
from bot.rendering.concept_map.geometry import Layout
from bot.rendering.concept_map.layout import layout

__all__ = ["Layout", "draw", "layout"]
