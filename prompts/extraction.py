"""Fills the template by which a model is asked what a section teaches. Knows nothing of models and their answers."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import SandboxedEnvironment

from prompts.builder import BadTemplate, as_attribute, as_data
from retrieval.concepts.grounding import MOST_CONCEPTS

_FOLDER = Path(__file__).parent
_TEMPLATE = "extraction.md.j2"


class ExtractionPrompt:
    """The macros `rules` and `section` of the template, which a course may replace by its own file in `folder`."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises BadTemplate now rather than in the middle of an ingest."""
        templates = SandboxedEnvironment(
            loader=FileSystemLoader([folder, _FOLDER] if folder else [_FOLDER]),
            undefined=StrictUndefined,
            autoescape=False,  # prompts are text; what is foreign goes through `data`
            auto_reload=False,
        )
        templates.filters["data"] = as_data
        templates.filters["attribute"] = as_attribute
        try:
            assert templates.loader is not None
            source, _, _ = templates.loader.get_source(templates, _TEMPLATE)
            template: Any = templates.get_template(_TEMPLATE)
            self._macros = template.module
            self.rules = str(self._macros.rules(MOST_CONCEPTS)).strip()
            self.section("Title", ("Heading",), "Text", "no JSON")
        except TemplateSyntaxError as error:
            raise BadTemplate(f"{error.filename or error.name}, line {error.lineno}: {error.message}") from error
        except (TemplateError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
            raise BadTemplate(f"{_TEMPLATE} does not work: {error}") from error
        self.fingerprint = blake2b(f"{MOST_CONCEPTS}\x1f{source}".encode(), digest_size=6).hexdigest()
        """Another word for every other template."""

    def section(self, title: str, headings: Sequence[str], text: str, complaint: str = "") -> str:
        """The question about one section; `complaint` says what was wrong with the answer before."""
        return str(self._macros.section(title, " > ".join(headings), text, complaint)).strip()
