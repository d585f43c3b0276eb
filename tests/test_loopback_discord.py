"""The loopback Discord, as the unmodified discord.py and a bare HTTP client meet it."""

import asyncio
import io
import json
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from discord_gateway import MESSAGE_CONTENT
from discord_records import APP, File, Json, Message, render_transcript
from loopback_discord import API, Fault, LoopbackDiscord, discord_server_fixture

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of audioop, which discord.py has for voice
    import discord
    from discord import app_commands
    from discord.ext import commands

__all__ = ["discord_server_fixture"]

Interaction = discord.Interaction[discord.Client]


class Bot(commands.AutoShardedBot):
    """Keeps what it was told; answers a mention in a thread that it opens from it."""

    def __init__(self, intents: discord.Intents | None = None, **options: Any) -> None:
        intents = intents or discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
        options = {"guild_ready_timeout": 0.01, "allowed_mentions": discord.AllowedMentions.none(), **options}
        super().__init__("!", intents=intents, **options)
        self.heard: list[discord.Message] = []
        self.answers = True
        self.resumes = 0
        self.changed: Callable[[], None] = lambda: None

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Without the 5 s that a client owes the real gateway."""

    async def on_resumed(self) -> None:
        self.resumes += 1
        self.changed()

    async def on_message(self, message: discord.Message, /) -> None:
        if message.author.bot:
            return
        self.heard.append(message)
        self.changed()
        if self.answers and self.user in message.mentions and isinstance(message.channel, discord.TextChannel):
            thread = await message.create_thread(name="What is attention?")
            placeholder = await thread.send("Searching …", nonce=message.id)
            await placeholder.edit(content="A weighted mean [1].")


@asynccontextmanager
async def running(server: LoopbackDiscord, bot: Bot) -> AsyncIterator[None]:
    """A bot that is logged in and ready; closed afterwards. What it hears wakes `server.until`."""
    bot.changed = server.changed
    async with bot:
        await bot.login(server.token)
        connected = asyncio.create_task(bot.connect())
        ready = asyncio.create_task(bot.wait_until_ready())
        try:
            await asyncio.wait({connected, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            if connected.done():
                connected.result()
            assert ready.done()
            yield
        finally:
            ready.cancel()
            await bot.close()
            await asyncio.wait({connected}, timeout=10)
            connected.cancel()


@pytest.fixture
def server(discord_server: LoopbackDiscord) -> LoopbackDiscord:
    """A course: two channels, two students, one teacher with a role."""
    discord_server.guild("1", channels=["help", "ml"], members=["ada", "ben", "tina"], roles={"5678": ["tina"]})
    return discord_server


async def call(server: LoopbackDiscord, line: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
    """Status and JSON of a bare REST call, "GET /users/@me"."""
    method, path = line.split()
    headers = {"Authorization": f"Bot {token or server.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, server.url + API + path, json=body) as response,
    ):
        text = await response.text()
        return response.status, json.loads(text) if text.startswith(("{", "[")) else {}


def place(server: LoopbackDiscord, name: str = "help") -> str:
    return f"/channels/{server.channel(name).id}"


async def said(server: LoopbackDiscord, text: str = "Hello.") -> Message:
    """A message of the bot's own."""
    status, message = await call(server, f"POST {place(server)}/messages", {"content": text})
    assert status == 200
    return server.find(message["id"])


# With discord.py: messages and threads.


async def test_a_mention_opens_a_thread_and_its_message_is_edited(server: LoopbackDiscord) -> None:
    async with running(server, Bot()):
        asked = await server.mention("help", "ada", "What is attention?")
        [seen] = await server.until(lambda: [one for one in server.thread(asked.id) if one.edits])
    assert (seen.author, seen.content, seen.pings) == ("Erica", "A weighted mean [1].", ())
    assert asked.thread is not None
    assert asked.thread.id == asked.id
    assert not server.refused


async def test_one_nonce_is_one_message(server: LoopbackDiscord) -> None:
    bot = Bot()
    async with running(server, bot):
        channel = bot.get_partial_messageable(int(server.channel("help").id))
        first, second = await channel.send("once", nonce=77), await channel.send("once", nonce=77)
        third = await channel.send("once", nonce=78)
    assert first.id == second.id != third.id
    assert [one.content for one in server.thread("help")] == ["once", "once"]
    assert [one.id for one in server.deduplicated] == [str(first.id)]
    assert [one.id for one in server.repeated()] == [str(third.id)]


async def test_a_direct_message_is_answered_in_private(server: LoopbackDiscord) -> None:
    bot = Bot()
    async with running(server, bot):
        question = await server.direct("ada", "What is CLIP?")
        await server.until(lambda: bot.heard)
        await bot.heard[0].channel.send("Two encoders.")
        await (await bot.fetch_user(int(server.user("ben").id))).send("A reminder.")
    assert [one.content for one in server.thread(question.channel.id)] == ["What is CLIP?", "Two encoders."]
    assert [one.content for one in server.thread("@ben")] == ["A reminder."]


async def test_files_go_up_and_come_down(server: LoopbackDiscord) -> None:
    bot = Bot()
    bot.answers = False
    async with running(server, bot):
        await server.mention("help", "ada", "Why does this fail?", files=[File("loss.py", b"print(1)")])
        await server.until(lambda: bot.heard)
        assert await bot.heard[0].attachments[0].read() == b"print(1)"
        picture = discord.File(io.BytesIO(b"\x89PNG"), "formula.png", description="a^2")
        message = await bot.heard[0].reply("see", file=picture, mention_author=True)
        await message.edit(
            content="see both", attachments=[*message.attachments, discord.File(io.BytesIO(b"2"), "b.txt")]
        )
    seen = server.thread("help")[-1]
    assert [(file.name, file.data) for file in seen.files] == [("formula.png", b"\x89PNG"), ("b.txt", b"2")]
    assert seen.pings == ("ada",)


async def test_pings_are_those_that_are_allowed(server: LoopbackDiscord) -> None:
    bot, ada = Bot(), server.user("ada").id
    text = f"@everyone <@{ada}> <@&5678> `@here`"
    async with running(server, bot):
        channel = bot.get_partial_messageable(int(server.channel("help").id))
        await channel.send(text)
        await channel.send(text, allowed_mentions=discord.AllowedMentions.all())
        await channel.send(text, allowed_mentions=discord.AllowedMentions(everyone=False, roles=False, users=True))
    assert [one.pings for one in server.thread("help")] == [(), ("@everyone", "&5678", "ada"), ("ada",)]


async def test_edits_deletions_and_reactions_of_students_arrive(server: LoopbackDiscord) -> None:
    bot = Bot(discord.Intents.all())
    events: list[str] = []
    for event in ("raw_message_edit", "raw_message_delete", "raw_reaction_add", "raw_reaction_remove"):

        async def listener(_: Any, event: str = event) -> None:
            events.append(event)
            server.changed()

        bot.add_listener(listener, f"on_{event}")
    async with running(server, bot):
        assert {member.name for member in bot.guilds[0].members} == {"Erica", "ada", "ben", "tina"}
        message = await server.message("help", "ada", "What is it?")
        await server.edit(message, "What is attention?")
        await server.react(message.id, "ben", "👍")
        await server.react(message.id, "ben", "👍", on=False)
        await server.delete(message)
        await server.until(lambda: len(events) == 4)
    assert events == ["raw_message_edit", "raw_reaction_add", "raw_reaction_remove", "raw_message_delete"]


async def test_without_the_content_intent_only_mentions_and_private_messages_have_text(server: LoopbackDiscord) -> None:
    server.portal_intents &= ~MESSAGE_CONTENT
    bot = Bot(discord.Intents(guilds=True, messages=True))
    bot.answers = False
    async with running(server, bot):
        hidden = await server.message("help", "ada", "a secret", files=[File("a.txt", b"1")])
        await server.mention("help", "ada", "for you")
        await server.direct("ada", "private")
        await server.until(lambda: len(bot.heard) == 3)
    assert [one.clean_content.strip() for one in bot.heard] == ["", "@Erica for you", "private"]
    assert not bot.heard[0].attachments
    _, fetched = await call(server, f"GET {place(server)}/messages/{hidden.id}")
    assert fetched["content"] == ""


async def test_locked_threads_refuse_and_archived_ones_wake(server: LoopbackDiscord) -> None:
    bot = Bot()
    async with running(server, bot):
        asked = await server.mention("help", "ada", "What is attention?")
        [seen] = await server.until(lambda: [one for one in server.thread(asked.id) if one.edits])
        thread = await bot.fetch_channel(int(asked.id))
        assert isinstance(thread, discord.Thread)
        server.set_thread(asked.id, archived=True)
        with pytest.raises(discord.HTTPException) as archived:
            await thread.get_partial_message(int(seen.id)).edit(content="late")
        await thread.send("awake")
        assert not server.channel(asked.id).archived
        server.set_thread(asked.id, archived=True, locked=True)
        with pytest.raises(discord.HTTPException) as locked:
            await thread.send("no")
        with pytest.raises(discord.HTTPException) as twice:
            await bot.heard[0].create_thread(name="again")
    assert [error.value.code for error in (archived, locked, twice)] == [50083, 50083, 160004]
    assert [refusal.code for refusal in server.refused] == [50083, 50083, 160004]


# With discord.py: interactions.


class Commands(Bot):
    """Slash commands, a context menu and buttons."""

    async def setup_hook(self) -> None:
        self.tree.add_command(app_commands.Command(name="ask", description="Ask", callback=_ask))
        concept: app_commands.Command[Any, Any, Any] = app_commands.Command(
            name="concept", description="A concept", callback=_concept
        )
        concept.autocomplete("name")(_names)
        self.tree.add_command(concept)
        self.tree.add_command(app_commands.ContextMenu(name="Ask Erica about this", callback=_about))
        await self.tree.sync()


async def _ask(interaction: Interaction, question: str) -> None:
    await interaction.response.defer(ephemeral=True, thinking=True)
    await interaction.followup.send(f"About {question}:")
    await interaction.followup.send("more", ephemeral=True)
    await interaction.edit_original_response(content=f"About {question}: done.")


async def _concept(interaction: Interaction, name: str) -> None:
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label="Prerequisite", custom_id="walk:softmax"))
    await interaction.response.send_message(embed=discord.Embed(title=name, description="A weighted mean."), view=view)


async def _names(_: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=one, value=one) for one in ("attention", "softmax") if one.startswith(typed)]


async def _about(interaction: Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"You mean: {message.content}", ephemeral=True)


async def test_a_slash_command_defers_and_follows_up(server: LoopbackDiscord) -> None:
    async with running(server, Commands()):
        asked = await server.slash("ask", "ben", "ml", question="attention")
        await server.until(lambda: asked.original and "done" in asked.original.content)
    seen = server.thread("ml")
    assert [one.content for one in seen] == ["About attention: done.", "more"]
    assert {one.ephemeral_to for one in seen} == {"ben"}
    assert not any(one.thinking for one in seen)


async def test_autocomplete_a_card_and_its_button(server: LoopbackDiscord) -> None:
    bot = Commands()
    pressed: list[Any] = []

    async def on_interaction(interaction: Interaction) -> None:
        if interaction.type is discord.InteractionType.component and interaction.data is not None:
            pressed.append(interaction.data.get("custom_id"))
            await interaction.response.edit_message(content="softmax", embed=None, view=None)

    bot.add_listener(on_interaction)
    async with running(server, bot):
        assert [one["value"] for one in await server.autocomplete("concept", name="att")] == ["attention"]
        await server.slash("concept", name="attention")
        [card] = await server.until(lambda: server.thread("help"))
        assert card.embeds[0]["title"] == "attention"
        await server.press(card.components[0], "ben")
        await server.until(lambda: server.thread("help")[0].content == "softmax")
        with pytest.raises(ValueError, match="cannot be pressed"):
            await server.press(card.components[0])
    assert pressed == ["walk:softmax"]


async def test_a_context_menu_carries_the_text_without_the_intent(server: LoopbackDiscord) -> None:
    async with running(server, Commands(discord.Intents(guilds=True, messages=True))):
        message = await server.message("help", "ada", "softmax is a temperature thing?")
        await server.context_menu(message, "ben")
        seen = await server.until(lambda: server.thread("help")[1:])
    assert (seen[0].content, seen[0].ephemeral_to) == ("You mean: softmax is a temperature thing?", "ben")


async def test_a_modal_is_opened_and_sent(server: LoopbackDiscord) -> None:
    class Reason(discord.ui.Modal, title="Why?"):
        why: discord.ui.TextInput["Reason"] = discord.ui.TextInput(label="Reason", custom_id="why")

        async def on_submit(self, interaction: Interaction, /) -> None:
            await interaction.response.send_message(f"Thank you: {self.why.value}", ephemeral=True)

    async def down(interaction: Interaction) -> None:
        await interaction.response.send_modal(Reason())

    bot = Bot()
    bot.tree.add_command(app_commands.Command(name="down", description="Not good", callback=down))
    async with running(server, bot):
        await bot.tree.sync(guild=None)
        opened = await server.slash("down")
        await server.until(lambda: opened.modal)
        await server.submit(opened, {"why": "wrong page"})
        await server.until(lambda: server.thread("help"))
    assert server.thread("help")[0].content == "Thank you: wrong page"


async def test_an_interaction_lives_3_seconds_and_its_token_15_minutes(server: LoopbackDiscord) -> None:
    server.commands[None] = [{"id": "9", "type": 1, "name": "help", "options": []}]
    late, quick = await server.slash("help"), await server.slash("help")
    answer = {"type": 4, "data": {"content": "hi"}}
    callback = f"/interactions/{quick.id}/{quick.token}/callback"
    assert (await call(server, f"POST {callback}", {"type": 8}))[1]["code"] == 50035
    assert (await call(server, f"POST {callback}", answer))[0] == 204
    assert (await call(server, f"POST {callback}", answer))[1]["code"] == 40060
    server.wind(4)
    assert (await call(server, f"POST /interactions/{late.id}/{late.token}/callback", answer))[1]["code"] == 10062
    original = f"/webhooks/{APP}/{quick.token}/messages/@original"
    assert (await call(server, f"PATCH {original}", {"content": "more"}))[1]["content"] == "more"
    server.wind(900)
    assert await call(server, f"PATCH {original}", {"content": "late"}) == (
        401,
        {"code": 50027, "message": "Invalid Webhook Token"},
    )
    assert [one.code for one in server.refused] == [50035, 40060, 10062, 50027]


# With discord.py: bad days.


async def test_a_429_is_waited_for_and_a_502_sent_again(server: LoopbackDiscord) -> None:
    bot = Bot()
    async with running(server, bot):
        channel = bot.get_partial_messageable(int(server.channel("help").id))
        server.fail("POST /channels/*/messages", Fault(502, lost=True))
        server.fail("POST /channels/*/messages", Fault(429, retry_after=0.01))
        await channel.send("hello", nonce=5)
        server.fail("POST /channels/*/messages", Fault(429, retry_after=0.01, via=False))
        with pytest.raises(discord.HTTPException, match="429"):
            await channel.send("banned by a proxy")
    assert [one.status for one in server.calls if one.method == "POST"] == [502, 429, 200, 429]
    assert [one.content for one in server.thread("help")] == ["hello"]
    assert len(server.deduplicated) == 1
    assert not server.refused


async def test_a_dropped_socket_resumes_and_misses_nothing(server: LoopbackDiscord) -> None:
    bot = Bot()
    bot.answers = False
    async with running(server, bot):
        server.drop_sockets()
        await server.until(lambda: not server.sockets)
        await server.message("help", "ada", "meanwhile")
        await server.until(lambda: bot.heard and bot.resumes)
        server.ask_reconnect()
        await server.until(lambda: len(server.resumed) == 2)
        server.invalidate_sessions(resumable=True)
        await server.until(lambda: len(server.resumed) == 3)
        await server.message("help", "ada", "after")
        await server.until(lambda: len(bot.heard) == 2)
    assert [one.content for one in bot.heard] == ["meanwhile", "after"]
    assert len(server.identified) == 1


async def test_an_invalid_session_starts_anew_and_what_was_missed_can_be_read(server: LoopbackDiscord) -> None:
    bot = Bot()
    bot.answers = False
    async with running(server, bot):
        first = await server.message("help", "ada", "seen")
        await server.until(lambda: bot.heard)
        server.drop_sockets()
        server.forget_sessions()
        await server.message("help", "ada", "missed")
        await server.until(lambda: len(server.identified) == 2)
        channel = bot.get_partial_messageable(int(server.channel("help").id))
        missed = [one.content async for one in channel.history(after=discord.Object(int(first.id)))]
    assert [one.content for one in bot.heard] == ["seen"]
    assert missed == ["missed"]
    assert not server.resumed


async def test_an_unanswered_heartbeat_makes_the_client_reconnect(server: LoopbackDiscord) -> None:
    server.heartbeat_ms, server.acknowledges = 50, False
    bot = Bot(heartbeat_timeout=0.15)
    async with running(server, bot):
        await server.until(lambda: server.resumed)
        server.acknowledges = True
    assert server.heartbeats >= 2


async def test_messages_delivered_twice_are_heard_twice(server: LoopbackDiscord) -> None:
    server.copies = 2
    bot = Bot()
    bot.answers = False
    async with running(server, bot):
        message = await server.message("help", "ada", "twice")
        server.copies = 1
        server.redeliver(message)
        await server.until(lambda: len(bot.heard) == 3)
    assert {one.id for one in bot.heard} == {int(message.id)}


async def test_a_revoked_token_cannot_log_in(server: LoopbackDiscord) -> None:
    server.token = "another"
    async with Bot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.login("revoked")
    assert [one.status for one in server.refused] == [401]


async def test_intents_that_the_portal_does_not_allow_are_named(server: LoopbackDiscord) -> None:
    server.portal_intents = 0
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(server, Bot()):
            raise AssertionError("it must not become ready")
    assert server.closed == [4014]


async def test_two_shards_hear_their_own_guilds(server: LoopbackDiscord) -> None:
    server.shards = 2
    server.guild(str(1 << 22), channels=["other"], members=["ada"])
    bot = Bot()
    bot.answers = False
    async with running(server, bot):
        await server.message("help", "ada", "even")
        await server.message("other", "ada", "odd")
        await server.until(lambda: len(bot.heard) == 2)
    assert sorted(one["shard"] for one in server.identified) == [[0, 2], [1, 2]]
    assert {one.content: one.guild.shard_id for one in bot.heard if one.guild} == {"even": 0, "odd": 1}


# By bare HTTP.


async def test_unknown_routes_and_wrong_tokens_are_answered_as_discord_does(server: LoopbackDiscord) -> None:
    assert await call(server, "GET /nonsense") == (404, {"message": "404: Not Found", "code": 0})
    assert (await call(server, "PUT /users/@me"))[0] == 405
    assert (await call(server, "GET /users/@me", token="no"))[0] == 401
    assert (await call(server, "GET /channels/5"))[1]["code"] == 10003
    assert (await call(server, f"GET {place(server)}/messages/5"))[1]["code"] == 10008


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": "x" * 2001}, "content"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds"),
        ({"embeds": [{"title": "x"}, {"description": "x" * 4097}]}, "embeds.1.description"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds"),
        ({"content": "x", "nonce": "x" * 26}, "nonce"),
        ({"content": "x", "flags": 64}, "flags"),
        ({"content": "x", "message_reference": {"message_id": "5"}}, "message_reference"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["5"]}}, "allowed_mentions"),
        ({"components": [{"type": 1, "components": []}]}, "components.0.components"),
        ({"components": [{"type": 10, "content": "x"}]}, "components.0.type"),
        ({"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "x"}]}, "content"),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "label": "x" * 81, "custom_id": "a"}]}]},
            "components.0.components.0.label",
        ),
    ],
)
async def test_a_message_that_is_too_much_is_refused_with_the_field(
    server: LoopbackDiscord, body: Json, field: str
) -> None:
    status, error = await call(server, f"POST {place(server)}/messages", body)
    assert (status, error["code"]) == (400, 50035)
    place_of = error["errors"]
    for key in field.split("."):
        place_of = place_of[key]
    assert place_of["_errors"]
    assert not server.thread("help")


async def test_empty_messages_are_refused(server: LoopbackDiscord) -> None:
    assert (await call(server, f"POST {place(server)}/messages", {"content": "  \n "}))[1]["code"] == 50006
    message = await said(server)
    assert (await call(server, f"PATCH {place(server)}/messages/{message.id}", {"content": ""}))[1]["code"] == 50006
    assert message.content == "Hello."


@pytest.mark.parametrize(
    ("command", "field"),
    [
        ({"name": "Ask", "description": "x"}, "name"),
        ({"name": "ask me", "description": "x"}, "name"),
        ({"name": "ask"}, "description"),
        ({"name": "Ask about", "type": 3, "description": "x"}, "description"),
        (
            {
                "name": "ask",
                "description": "x",
                "options": [
                    {"type": 3, "name": "a", "description": "x"},
                    {"type": 3, "name": "b", "description": "x", "required": True},
                ],
            },
            "options",
        ),
    ],
)
async def test_commands_of_the_wrong_shape_are_refused(server: LoopbackDiscord, command: Json, field: str) -> None:
    status, error = await call(server, f"PUT /applications/{APP}/commands", [command])
    assert (status, error["code"]) == (400, 50035)
    assert field in error["errors"]["0"]
    assert not server.commands


async def test_commands_keep_their_id_and_are_counted(server: LoopbackDiscord) -> None:
    many = [{"name": f"c{n}", "description": "x"} for n in range(101)]
    path = f"PUT /applications/{APP}/guilds/1/commands"
    _, [first] = await call(server, path, many[:1])
    _, [again, _] = await call(server, path, many[:2])
    assert first["id"] == again["id"]
    assert (await call(server, path, many))[1]["code"] == 30032


async def test_too_many_choices_are_refused(server: LoopbackDiscord) -> None:
    options = [{"type": 3, "name": "name", "autocomplete": True}]
    server.commands["1"] = [{"id": "9", "type": 1, "name": "concept", "options": options}]
    offered = asyncio.create_task(server.autocomplete("concept", name="a"))
    await server.until(lambda: server.interactions)
    [one] = server.interactions.values()
    path = f"POST /interactions/{one.id}/{one.token}/callback"
    choices = [{"name": f"{n}", "value": f"{n}"} for n in range(26)]
    assert (await call(server, path, {"type": 8, "data": {"choices": choices}}))[1]["code"] == 50035
    assert (await call(server, path, {"type": 8, "data": {"choices": choices[:25]}}))[0] == 204
    assert len(await offered) == 25


async def test_permissions_that_are_taken_away(server: LoopbackDiscord) -> None:
    message = await said(server)
    server.deny("help", "create_public_threads", "attach_files")
    thread = f"POST {place(server)}/messages/{message.id}/threads"
    assert (await call(server, thread, {"name": "x"}))[1]["code"] == 50013
    server.deny("help", "view_channel")
    assert (await call(server, f"GET {place(server)}"))[1] == {"message": "Missing Access", "code": 50001}


async def test_only_own_messages_can_be_edited_and_old_ones_seldom(server: LoopbackDiscord) -> None:
    other = await server.message("help", "ada", "mine")
    mine = await said(server)
    assert (await call(server, f"PATCH {place(server)}/messages/{other.id}", {"content": "x"}))[1]["code"] == 50005
    server.wind(3601)
    codes = [
        (await call(server, f"PATCH {place(server)}/messages/{mine.id}", {"content": f"{n}"}))[1].get("code")
        for n in range(4)
    ]
    assert codes == [None, None, None, 30046]
    await server.delete(mine)
    assert (await call(server, f"PATCH {place(server)}/messages/{mine.id}", {"content": "x"}))[1]["code"] == 10008


async def test_edits_share_five_in_five_seconds_per_channel(server: LoopbackDiscord) -> None:
    server.limits = True
    first, second = await said(server, "one"), await said(server, "two")
    edits = [f"PATCH {place(server)}/messages/{one.id}" for one in (first, second, first, second, first, second)]
    answers = [await call(server, line, {"content": "new"}) for line in edits]
    assert [status for status, _ in answers] == [200, 200, 200, 200, 200, 429]
    assert 0 < answers[-1][1]["retry_after"] <= 5
    server.wind(5)
    assert (await call(server, edits[0], {"content": "newer"}))[0] == 200


async def test_history_is_read_in_pages(server: LoopbackDiscord) -> None:
    ids = [(await server.message("help", "ada", f"{n}")).id for n in range(5)]
    path = f"GET {place(server)}/messages"
    for query, expected in {
        "limit=2": "43",
        f"after={ids[1]}&limit=2": "32",
        f"before={ids[3]}&limit=2": "21",
        f"around={ids[2]}&limit=2": "321",
    }.items():
        _, page = await call(server, f"{path}?{query}")
        assert "".join(one["content"] for one in page) == expected


async def test_a_dropped_line_loses_the_answer_but_not_the_message(server: LoopbackDiscord) -> None:
    server.fail("POST /channels/*/messages", Fault(drop=True))
    server.fail("POST /channels/*/messages", Fault(drop=True, lost=True))
    for _ in range(2):
        with pytest.raises(aiohttp.ClientConnectionError):
            await said(server)
    assert [one.content for one in server.thread("help")] == ["Hello."]


async def test_a_transcript_shows_what_people_saw(server: LoopbackDiscord) -> None:
    async with running(server, Bot()):
        asked = await server.mention("help", "ada", "What is attention?", files=[File("notes.txt", b"12")])
        await server.until(lambda: [one for one in server.thread(asked.id) if one.edits])
        await server.reply(asked.id, "ada", "thanks!")
    [entry] = json.loads(json.dumps(server.transcript("help")))
    assert entry["files"] == ["notes.txt (2 bytes)"]
    assert [(one["author"], one["content"]) for one in entry["thread"]] == [
        ("Erica", "A weighted mean [1]."),
        ("ada", "thanks!"),
    ]
    text = render_transcript([entry])
    assert "Erica (edited 1 times)\n          A weighted mean [1]." in text


async def test_waiting_in_vain_says_what_was_seen(server: LoopbackDiscord) -> None:
    await server.message("help", "ada", "anybody here?")
    with pytest.raises(AssertionError, match="anybody here"):
        await server.until(lambda: False, within=0.01)
