"""What Discord says of a body that is wrong, field by field. Knows no world."""

import re
from collections.abc import Sequence
from typing import Any

from discord_calls import V2
from discord_records import (
    Json,
    Refused,
)


class Form:
    """Collects what is wrong with a body, by the path of the field."""

    def __init__(self) -> None:
        self.errors: Json = {}

    def wrong(self, path: str, code: str, message: str) -> None:
        place = self.errors
        for key in path.split("."):
            place = place.setdefault(key, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def size(self, path: str, value: Any, most: int, least: int = 0) -> None:
        """Length of a text or list; None is no value."""
        if value is None or least <= len(value) <= most:
            return
        if least or isinstance(value, list):
            self.wrong(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
        else:
            self.wrong(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")

    def check(self) -> None:
        if self.errors:
            raise Refused(400, 50035, "Invalid Form Body", self.errors)

    def embeds(self, embeds: Sequence[Json]) -> None:
        self.size("embeds", embeds, 10)
        total = 0
        for n, embed in enumerate(embeds):
            fields = embed.get("fields") or []
            self.size(f"embeds.{n}.fields", fields, 25)
            texts = {"title": (embed.get("title"), 256), "description": (embed.get("description"), 4096)}
            texts |= {"footer.text": ((embed.get("footer") or {}).get("text"), 2048)}
            texts |= {"author.name": ((embed.get("author") or {}).get("name"), 256)}
            for k, one in enumerate(fields):
                texts |= {f"fields.{k}.name": (one.get("name"), 256), f"fields.{k}.value": (one.get("value"), 1024)}
            for path, (text, most) in texts.items():
                self.size(f"embeds.{n}.{path}", text, most, 1 if path.startswith("fields") else 0)
                total += len(text or "")
            for url in [embed.get("url"), *((embed.get(key) or {}).get("url") for key in ("image", "thumbnail"))]:
                if url and not url.startswith(("http://", "https://", "attachment://")):
                    self.wrong(
                        f"embeds.{n}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be http, https or attachment."
                    )
        if total > 6000:
            self.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")

    def components(self, rows: Sequence[Json], v2: bool) -> None:
        self.size("components", rows, 40 if v2 else 5)
        seen: list[str] = []
        count = sum(self._component(f"components.{n}", row, seen) for n, row in enumerate(rows))
        if count > 40:
            self.wrong("components", "BASE_TYPE_BAD_LENGTH", "The maximum number of components is 40.")
        if not v2 and any(row.get("type") != 1 for row in rows):
            self.wrong("components.0.type", "BASE_TYPE_CHOICES", "Value must be one of {1}.")
        if len({*seen}) != len(seen):
            self.wrong("components", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")

    def _component(self, path: str, part: Json, seen: list[str]) -> int:
        """Checks one part and what is in it; how many components that is."""
        inner = part.get("components", [])
        if part["type"] == 1:
            self.size(f"{path}.components", inner, 5, 1)
        if part["type"] == 2:
            self.size(f"{path}.label", part.get("label"), 80)
            if ("url" in part) == ("custom_id" in part):
                self.wrong(path, "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id or a url is required, not both")
        self.size(f"{path}.custom_id", part.get("custom_id"), 100, 1)
        self.size(f"{path}.options", part.get("options"), 25, 1)
        self.size(f"{path}.placeholder", part.get("placeholder"), 150)
        seen += [part["custom_id"]] if "custom_id" in part else []
        return 1 + sum(self._component(f"{path}.components.{n}", one, seen) for n, one in enumerate(inner))

    def message(self, body: Json, flags: int) -> None:
        self.size("content", body.get("content"), 2000)
        self.embeds(body.get("embeds") or [])
        self.components(body.get("components") or [], bool(flags & V2))
        if flags & V2 and (body.get("content") or body.get("embeds")):
            self.wrong("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with IS_COMPONENTS_V2")
        if isinstance(body.get("nonce"), str):
            self.size("nonce", body["nonce"], 25)
        allowed = body.get("allowed_mentions") or {}
        for kind in ("users", "roles"):
            if kind in (allowed.get("parse") or ()) and allowed.get(kind):
                code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
                self.wrong("allowed_mentions", code, f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.')
            self.size(f"allowed_mentions.{kind}", allowed.get(kind), 100)

    def commands(self, commands: Sequence[Json]) -> None:
        for kind, most in ((1, 100), (2, 15), (3, 15)):
            names = [one.get("name") for one in commands if one.get("type", 1) == kind]
            if len(names) > most:
                raise Refused(400, 30032, f"Maximum number of application commands reached ({most}).")
            if len({*names}) != len(names):
                self.wrong("0.name", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        for n, one in enumerate(commands):
            self._option(f"{n}", one, one.get("type", 1) == 1)

    def _option(self, path: str, one: Json, typed: bool = True) -> None:
        """A command, or an option of one; context menus (not `typed`) have free names and nothing else."""
        name, options, choices = one.get("name", ""), one.get("options") or [], one.get("choices") or []
        if not re.fullmatch(r"[-_'\w]{1,32}" if typed else r".{1,32}", name) or (typed and name != name.lower()):
            self.wrong(f"{path}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        if not typed and (one.get("description") or options):
            self.wrong(f"{path}.description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "Not for context menus")
        if typed:
            self.size(f"{path}.description", one.get("description", ""), 100, 1)
        self.size(f"{path}.options", options, 25)
        self.choices(f"{path}.choices", choices)
        if choices and one.get("autocomplete"):
            self.wrong(f"{path}.choices", "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Not with autocomplete")
        needed = [bool(option.get("required")) for option in options]
        if needed != sorted(needed, reverse=True):
            self.wrong(f"{path}.options", "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first")
        for n, option in enumerate(options):
            self._option(f"{path}.options.{n}", option)

    def choices(self, path: str, choices: Sequence[Json]) -> None:
        self.size(path, choices, 25)
        for n, choice in enumerate(choices):
            self.size(f"{path}.{n}.name", choice.get("name", ""), 100, 1)
            if isinstance(choice.get("value"), str):
                self.size(f"{path}.{n}.value", choice["value"], 100, 1)

    def modal(self, data: Json) -> None:
        self.size("data.title", data.get("title", ""), 45, 1)
        self.size("data.custom_id", data.get("custom_id", ""), 100, 1)
        self.size("data.components", data.get("components", []), 5, 1)


# The server.
