"""What Discord's messages say to Erica: without a connection, from the JSON that Discord sends."""

from typing import Any

import discord
import pytest
from discord_records import Json
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.discord_events import Place, edited_after, guild_of, heard, is_said, place_of, readable
from bot.intake import Attachment, Incoming, keys

ME, ADA, BEN, GUILD, CHANNEL, THREAD = 700, 1, 2, 10, 20, 1_000_000_000_000_000_030
ROLE, MINE = 100_000_000_000_000_555, 100_000_000_000_000_556
WRITTEN = 1_300_000_000_000_000_000
HELP = Place(str(GUILD), str(CHANNEL))

CLIENT = discord.Client(intents=discord.Intents.none())
STATE = CLIENT._connection


def user(id_: int, name: str = "", **more: Any) -> Json:
    return {"id": str(id_), "username": name or f"user{id_}", "discriminator": "0", "avatar": None, **more}


def role(id_: int, name: str, **more: Any) -> Json:
    flat = {"color": 0, "hoist": False, "position": 1, "permissions": "0", "managed": False, "mentionable": True}
    return {"id": str(id_), "name": name, "flags": 0, **flat, **more}


def text_channel(id_: int, name: str) -> Json:
    return {"id": str(id_), "type": 0, "name": name, "position": 0, "permission_overwrites": [], "parent_id": None}


@pytest.fixture(scope="module", autouse=True)
def guild() -> discord.Guild:
    """One guild with two channels, and roles: of the teachers, and of the bot itself."""
    roles = [role(GUILD, "@everyone"), role(ROLE, "teachers"), role(MINE, "Erica", tags={"bot_id": str(ME)})]
    data: Any = {"id": str(GUILD), "name": "university", "roles": roles, "emojis": [], "owner_id": "9"}
    data["channels"] = [text_channel(CHANNEL, "help"), text_channel(100_000_000_000_000_021, "general")]
    guild = discord.Guild(data=data, state=STATE)
    STATE._add_guild(guild)
    return guild


def message(content: str = "", in_: Any = None, **more: Any) -> discord.Message:
    """A message of ada's in the guild's channel, as the library reads it."""
    at = "2026-10-01T12:00:00.000000+00:00"
    data: Any = {"id": str(WRITTEN), "channel_id": str(CHANNEL), "author": user(ADA, "ada"), "type": 0, "flags": 0}
    data |= {"content": content, "timestamp": at, "edited_timestamp": None, "tts": False, "pinned": False}
    data |= {"mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [], "embeds": []}
    data |= {"components": [], "guild_id": str(GUILD), **more}
    found = CLIENT.get_guild(GUILD)
    assert found is not None
    return discord.Message(state=STATE, channel=in_ or found.get_channel(CHANNEL), data=data)


def reply_to(author: int, content: str = "What is attention?") -> Json:
    """The fields that make a message a reply."""
    other = {"id": "5", "channel_id": str(CHANNEL), "author": user(author), "type": 0, "content": content, "flags": 0}
    other |= {"timestamp": "2026-10-01T11:00:00+00:00", "edited_timestamp": None, "tts": False, "pinned": False}
    other |= {"mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [], "embeds": []}
    where = {"type": 0, "message_id": "5", "channel_id": str(CHANNEL), "guild_id": str(GUILD)}
    return {"type": 19, "message_reference": where, "referenced_message": other | {"components": []}}


def ask(content: str = "", place: Place = HELP, **more: Any) -> Incoming | None:
    return heard(message(content, **more), place, ME, 5.0)


def test_a_mention_is_a_question_without_the_mention() -> None:
    asked = ask(f"<@{ME}> What is <#{100_000_000_000_000_021}>?", mentions=[user(ME, bot=True)])
    expected = {"workspace": "10", "channel": "20", "message": str(WRITTEN), "thread": None, "author": "1"}
    assert asked == Incoming(platform="discord", text="What is #general?", kind="mention", received=5.0, **expected)
    assert asked.question == HELP.question(WRITTEN)


def test_the_role_of_the_bot_is_its_name_too() -> None:
    asked = ask(f"hey <@&{MINE}> and <@&{ROLE}> why?", mention_roles=[str(MINE), str(ROLE)])
    assert asked is not None
    assert (asked.kind, asked.text) == ("mention", "hey and @teachers why?")


def test_another_role_is_not() -> None:
    asked = ask(f"why? <@&{ROLE}>", mention_roles=[str(ROLE)])
    assert asked is not None
    assert asked.kind == "message"


def test_mentions_become_names_and_code_stays() -> None:
    text = f"<@{ME}> <@{BEN}> says `<@{BEN}> <#1>` <:wave:12> </ask:34>\n```py\nx = '<@{ME}>'  # <@!{BEN}>\n```\n<@99>"
    asked = ask(text, mentions=[user(ME), user(BEN, "ben", global_name="Ben")])
    assert asked is not None
    code = f"```py\nx = '<@{ME}>'  # <@!{BEN}>\n```"
    assert asked.text == f"@Ben says `<@{BEN}> <#1>` :wave: /ask\n{code}\n@someone"


def test_a_direct_message_is_private() -> None:
    asked = ask("What is CLIP?", Place("", "55"), guild_id=None)
    assert asked is not None
    assert (asked.kind, asked.workspace, asked.channel, asked.private) == ("direct", "", "55", True)


def test_a_thread_keeps_the_channel_of_its_course() -> None:
    asked = ask("and in Python?", Place("10", "20", "30"))
    assert asked is not None
    assert (asked.kind, asked.channel, asked.thread, asked.private) == ("message", "20", "30", False)


@pytest.mark.parametrize(
    "more",
    [
        {"author": user(BEN, bot=True)},
        {"author": user(ME, bot=True)},
        {"webhook_id": "3"},
        {"type": 7},  # somebody joined
        {"type": 21},  # a thread's first line
        {"type": 18},
        {"type": 6},
    ],
)
def test_who_is_no_person_is_not_heard(more: Json) -> None:
    assert not is_said(message("hello", **more))
    assert ask(f"<@{ME}> hello", mentions=[user(ME)], **more) is None


def test_what_is_for_somebody_else_is_not_for_erica() -> None:
    assert ask(f" <@{BEN}> can you help?", mentions=[user(BEN)]) is None
    assert ask("yes, it is", **reply_to(BEN)) is None
    assert ask("", attachments=[]) is None


def test_but_a_mention_is_whoever_else_is_named() -> None:
    for more in ({}, reply_to(BEN)):
        asked = ask(f"<@{BEN}> <@{ME}> why?", mentions=[user(BEN, "ben"), user(ME)], **more)
        assert asked is not None
        assert (asked.kind, asked.text) == ("mention", "@ben why?")


def test_replies_to_erica_and_to_oneself_are_follow_ups() -> None:
    for author in (ME, ADA):
        asked = ask("and then?", **reply_to(author))
        assert asked is not None
        assert asked.kind == "message"


def test_a_reply_that_pings_erica_is_a_mention() -> None:
    asked = ask("and then?", mentions=[user(ME)], **reply_to(ME))
    assert asked is not None
    assert asked.kind == "mention"


def test_a_bare_mention_in_a_reply_asks_about_what_is_replied_to() -> None:
    asked = ask(f"<@{ME}>", mentions=[user(ME)], **reply_to(BEN, "Why is the sky blue?"))
    assert asked is not None
    assert (asked.text, asked.author) == ("Why is the sky blue?", "1")


def test_what_a_reply_answers_may_be_gone() -> None:
    asked = ask(f"<@{ME}>", mentions=[user(ME)], **(reply_to(BEN) | {"referenced_message": None}))
    assert asked is not None
    assert asked.text == ""


def test_a_forwarded_message_is_read() -> None:
    snapshot = {"content": "What is a heap?", "timestamp": "2026-10-01T11:00:00+00:00", "type": 0, "flags": 0}
    snapshot |= {"edited_timestamp": None, "embeds": [], "attachments": [], "mentions": [], "mention_roles": []}
    where = {"type": 1, "message_id": "5", "channel_id": str(CHANNEL)}
    asked = ask("", Place("", "55"), message_reference=where, message_snapshots=[{"message": snapshot}])
    assert asked is not None
    assert asked.text == "What is a heap?"


def test_files_come_along() -> None:
    file = {"id": "8", "filename": "loss.py", "size": 9, "url": "https://cdn.test/8/loss.py", "proxy_url": "x"}
    asked = ask("", attachments=[file, file | {"content_type": "image/png"}])
    assert asked is not None
    first, second = asked.attachments
    assert first == Attachment("loss.py", "https://cdn.test/8/loss.py", 9, "")
    assert second.media_type == "image/png"


def test_an_edit_is_another_event_about_the_same_question() -> None:
    first = ask("What is attention?")
    edited = message("What is self-attention?", edited_timestamp="2026-10-01T12:00:30+00:00")
    assert edited.edited_at is not None
    second = heard(edited, HELP, ME, 6.0, revision=edited.edited_at.isoformat())
    assert first is not None
    assert second is not None
    assert first.question == second.question
    assert not {*keys(first)} & {*keys(second)}


def test_the_age_of_an_edit_is_by_discords_clock() -> None:
    later = discord.utils.snowflake_time(WRITTEN + (30_500 << 22))
    assert edited_after(message("x"), later) == 30.5


def test_places(guild: discord.Guild) -> None:
    thread: Any = {"id": str(THREAD), "parent_id": str(CHANNEL), "guild_id": str(GUILD), "owner_id": "1", "name": "t"}
    thread |= {"type": 11, "message_count": 0, "member_count": 0, "last_message_id": None}
    thread["thread_metadata"] = {
        "archived": False,
        "auto_archive_duration": 60,
        "archive_timestamp": "2026-10-01T11:00Z",
    }
    inside = discord.Thread(guild=guild, state=STATE, data=thread)
    assert place_of(GUILD, THREAD, inside) == Place("10", "20", str(THREAD))
    assert place_of(GUILD, CHANNEL, guild.get_channel(CHANNEL)) == HELP
    assert place_of(None, 55, None) == Place("", "55")
    assert place_of(GUILD, 56, None) is None
    assert guild_of(message("x")) == GUILD
    assert guild_of(message("x", in_=CLIENT.get_partial_messageable(77, guild_id=11))) == 11
    assert guild_of(message("x", in_=CLIENT.get_partial_messageable(77), guild_id=None)) is None


@given(st.text(alphabet=f"<@!&#:/>`\n a{ME}{BEN}", max_size=200))
def test_whatever_people_type_can_be_read(content: str) -> None:
    text = readable(message(content, mentions=[user(ME), user(BEN, "ben")]), ME)
    assert len(text) <= len(content) * 3
    if "`" not in content:
        assert f"<@{BEN}>" not in text
        assert f"<@{ME}>" not in text
