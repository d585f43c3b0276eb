"""Looks at everything Erica needs and says, line by line, what is fine and what to do."""

import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.checks import Check
from bot.course import Channel, Course, load_course
from bot.errors import EricaError
from bot.ports import ChatMessage
from bot.settings import Settings
from bot.wiring import Wiring
from retrieval.errors import EmbedderMisnamed, RetrievalError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_OLDEST_PYTHON = (3, 11)
_TEST_TOKENS = 500
"""Enough for a model that thinks before it says ok."""

_NO_CHANNELS = "Add [[channels]] to the course file: platform, workspace and id."


async def examine(wiring: Wiring, course_file: Path | None) -> AsyncIterator[Check]:
    """Every check, one after the other; none stops the next."""
    yield _python()
    yield _data_folder(wiring)
    yield await _redis(wiring)
    yield _embedding(wiring)
    async for check in _models(wiring):
        yield check
    files = (course_file,) if course_file else wiring.settings.course_files
    if not files:
        yield Check("course file", "note", "none was given", "`erica doctor --course F` checks one.")
    channels: list[Channel] = []
    for file in files:
        try:
            course = load_course(file)
        except EricaError as error:
            yield Check("course file", "problem", str(error), error.hint)
            continue
        channels += course.channels
        yield _course(wiring, course)
        yield await _index(wiring, course)
    async for check in _platforms(wiring.settings, channels):
        yield check


def _python() -> Check:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < _OLDEST_PYTHON:
        return Check("Python", "problem", version, "Use Python 3.11 or newer.")
    return Check("Python", "ok", version)


def _data_folder(wiring: Wiring) -> Check:
    folder = wiring.settings.data_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Check(
            "data folder", "problem", f"{folder}: {error.strerror}", "Set ERICA_DATA_DIR to a folder you may write to."
        )
    return Check("data folder", "ok", str(folder))


async def _redis(wiring: Wiring) -> Check:
    name = "Redis" if wiring.settings.redis_url else "private Valkey"
    try:
        async with wiring.redis(private=True) as redis:
            if memory := wiring.memory(redis):
                await memory.recall("doctor")
            lost = await _forgets(wiring, redis)
    except EricaError as error:
        return Check(name, "problem", str(error), error.hint or "Check ERICA_REDIS_URL.")
    if lost:
        advice = "Set `maxmemory-policy noeviction` and `appendonly yes` there: questions and memory are kept in it."
        return Check(name, "note", lost, advice)
    return Check(name, "ok", "answers")


async def _forgets(wiring: Wiring, redis: "Redis | None") -> str:
    """What an external Redis may lose; the private one loses nothing."""
    if redis is None or wiring.settings.redis_url is None:
        return ""
    from bot.adapters.redis_doctor import forgets

    return await forgets(redis)


async def _platforms(settings: Settings, channels: Sequence[Channel]) -> AsyncIterator[Check]:
    """Tokens, scopes, intents, and Erica's place in each channel, of the platforms that are configured."""
    for name, there in (("slack", settings.has_slack), ("discord", settings.discord_token is not None)):
        places = [(channel.workspace, channel.id) for channel in channels if channel.platform == name]
        if not there:
            if places:
                advice = f"deploy/{name}.md tells how to get its tokens."
                yield Check(name.title(), "note", "the course has channels there, but no token is set", advice)
            continue
        if not places:
            yield Check(name.title(), "note", "a token is set, but no course has a channel there", _NO_CHANNELS)
        for finding in await (_slack if name == "slack" else _discord)(settings, places):
            yield finding


async def _slack(settings: Settings, places: Sequence[tuple[str, str]]) -> list[Check]:
    from bot.adapters.slack_doctor import examine_slack
    from bot.chat_wiring import slack_access

    return await examine_slack(slack_access(settings), places)


async def _discord(settings: Settings, places: Sequence[tuple[str, str]]) -> list[Check]:
    from bot.adapters.discord_doctor import examine_discord
    from bot.chat_wiring import discord_access

    return await examine_discord(discord_access(settings), places)


def _embedding(wiring: Wiring) -> Check:
    try:
        embedder = wiring.embedder()
    except EmbedderMisnamed as error:
        return Check("embedding model", "problem", str(error), error.hint)
    except RetrievalError as error:
        return Check("embedding model", "note", f"{error}; search is lexical only", error.hint)
    return Check("embedding model", "ok", f"{embedder.name}, {embedder.dimensions} dimensions")


async def _models(wiring: Wiring) -> AsyncIterator[Check]:
    """One line a model: a fallback that answers must not hide that the first one does not."""
    if not wiring.settings.models:
        yield Check("answering model", "note", "none; answers are quotes", "Set ERICA_MODEL to a litellm model name.")
    for name in wiring.settings.models:
        try:
            async for _ in wiring.model(name).stream([ChatMessage("user", "Answer with the word ok.")], _TEST_TOKENS):
                pass
            yield Check("answering model", "ok", name)
        except EricaError as error:
            yield Check("answering model", "problem", str(error), error.hint or "Check ERICA_MODEL and its key.")


def _course(wiring: Wiring, course: Course) -> Check:
    missing = [str(source.path) for source in course.sources if source.path and not source.place(course.root).exists()]
    if missing:
        return Check("course file", "problem", f"not found: {', '.join(missing)}", "Correct the sources' `path`.")
    try:
        wiring.prompts(course)
    except EricaError as error:
        return Check("course file", "problem", str(error), error.hint)
    return Check("course file", "ok", f"{course.course.title}, {len(course.sources)} sources")


async def _index(wiring: Wiring, course: Course) -> Check:
    try:
        manifest = await wiring.retriever(course).open()
    except (EricaError, RetrievalError) as error:
        return Check("index", "problem", str(error), error.hint)
    arms = f"dense ({manifest.embedding}) and lexical" if manifest.embedding else "lexical only"
    return Check("index", "ok", f"{manifest.pages} pages, {manifest.passages} passages, {arms}, {manifest.created}")
