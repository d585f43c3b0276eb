"""Turns in one channel: previews in pace, the latest wins, what is final goes first, idle channels are forgotten."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bot.adapters.discord_editor import ChannelEditors

Act = Callable[[], Coroutine[Any, Any, None]]


class Board:
    """What was written, in order; `held` makes whoever writes wait."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.held = asyncio.Event()
        self.held.set()
        self.begun = asyncio.Event()

    def write(self, line: str) -> Act:
        async def act() -> None:
            self.begun.set()
            await self.held.wait()
            self.lines.append(line)

        return act


async def test_of_what_waits_the_latest_wins() -> None:
    board, editors = Board(), ChannelEditors(0.01)
    board.held.clear()
    editors.preview(1, "a", board.write("first"))
    await board.begun.wait()
    for number in range(100):
        editors.preview(1, "a", board.write(f"later {number}"))
    board.held.set()
    await editors.idle()
    assert board.lines == ["first", "later 99"]


async def test_several_answers_in_a_channel_take_turns() -> None:
    board, editors = Board(), ChannelEditors(0.005)

    def again(owner: str, left: int) -> Act:
        async def act() -> None:
            board.lines.append(owner)
            if left:
                editors.preview(1, owner, again(owner, left - 1))

        return act

    for owner in "abc":
        editors.preview(1, owner, again(owner, 2))
    await editors.idle()
    assert board.lines == [*"abc"] * 3


async def test_previews_keep_their_pace_and_other_channels_do_not_wait() -> None:
    board, editors = Board(), ChannelEditors(30.0)
    for channel in (1, 2):
        for owner in "abc":
            editors.preview(channel, owner, board.write(f"{owner} in {channel}"))
    for _ in range(50):
        await asyncio.sleep(0)
    assert board.lines == ["a in 1", "a in 2"]
    await editors.close()


async def test_the_more_channels_want_previews_the_longer_each_of_them_rests() -> None:
    board, editors = Board(), ChannelEditors(30.0)
    for channel in range(30):
        editors.preview(channel, "a", board.write(str(channel)))
    assert editors.interval == 30.0
    for channel in range(30, 120):
        editors.preview(channel, "a", board.write(str(channel)))
    assert editors.interval == 120.0
    await asyncio.sleep(0)  # all have begun
    await editors.close()
    assert editors.interval == 30.0


async def test_what_is_final_does_not_wait_for_previews_and_takes_the_place_of_its_own() -> None:
    board, editors = Board(), ChannelEditors(30.0)
    editors.preview(1, "a", board.write("preview a"))
    await board.begun.wait()
    editors.preview(1, "a", board.write("never shown"))
    editors.preview(1, "b", board.write("not for half a minute"))
    await editors.final(1, "a", board.write("final a"))
    assert board.lines == ["preview a", "final a"]
    await editors.close()
    assert len(editors) == 0


async def test_what_goes_wrong_at_the_end_is_raised_and_the_channel_goes_on() -> None:
    board, editors = Board(), ChannelEditors(0.01)

    async def failing() -> None:
        raise LookupError("unknown message")

    editors.preview(1, "a", failing)
    with pytest.raises(LookupError, match="unknown message"):
        await editors.final(1, "a", failing)
    await editors.final(1, "a", board.write("anew"))
    assert board.lines == ["anew"]
    await editors.close()


async def test_who_leaves_is_not_heard_any_more() -> None:
    board, editors = Board(), ChannelEditors(0.01)
    board.held.clear()
    editors.preview(1, "a", board.write("under way"))
    await board.begun.wait()
    editors.preview(1, "a", board.write("waiting"))
    final = asyncio.create_task(editors.final(1, "b", board.write("b goes on")))
    await asyncio.sleep(0)
    await editors.leave(1, "a", 0.0)
    board.held.set()
    await final
    await editors.idle()
    assert board.lines == ["b goes on"]


async def test_an_abandoned_final_is_not_carried_out() -> None:
    board, editors = Board(), ChannelEditors(0.01)
    board.held.clear()
    editors.preview(1, "a", board.write("a"))
    await board.begun.wait()
    final = asyncio.create_task(editors.final(1, "b", board.write("b")))
    await asyncio.sleep(0)
    final.cancel()
    await asyncio.gather(final, return_exceptions=True)
    board.held.set()
    await editors.idle()
    assert board.lines == ["a"]


async def test_thousands_of_threads_are_forgotten() -> None:
    board, editors = Board(), ChannelEditors(0.01)
    for channel in range(3_000):
        editors.preview(channel, "a", board.write("x"))
    assert len(editors) == 3_000
    await editors.idle()
    assert len(board.lines) == 3_000
