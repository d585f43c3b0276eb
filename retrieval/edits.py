"""What staff did to the concept graph, as a log that is replayed over every build. No logic here."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

EditAction = Literal["merge", "rename", "hide", "show", "add_prerequisite", "cut_prerequisite"]
ACTIONS: tuple[str, ...] = get_args(EditAction)


@dataclass(frozen=True, slots=True)
class Edit:
    """One decision of the staff; concepts are named as the staff named them, for ids change with a rename.

    merge: `other` disappears into `concept`. rename: `concept` is called `other` from now on. hide, show:
    `other` is empty. add_prerequisite, cut_prerequisite: `other` is (not) needed before `concept`. `by` is
    who decided, `at` when (ISO 8601, UTC).
    """

    action: EditAction
    concept: str
    other: str = ""
    by: str = ""
    at: str = ""

    def to_json(self) -> str:
        """One line of the log."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str | bytes) -> "Edit":
        """Raises ValueError where the line is no edit."""
        fields: Mapping[str, Any] = json.loads(line)
        try:
            edit = cls(**fields)
        except TypeError as error:
            raise ValueError(f"no edit: {error}") from error
        if edit.action not in ACTIONS or not all(isinstance(value, str) for value in asdict(edit).values()):
            raise ValueError(f"no edit: {fields!r}")
        return edit
