"""What the library leaves to us: a call that is given up must not keep all others waiting."""

import asyncio
from functools import partial

from loopback_discord import Fault, LoopbackDiscord, discord_server_fixture
from pydantic import SecretStr

from bot.adapters.discord_client import DiscordRest, insist
from bot.metrics import Metrics

__all__ = ["discord_server_fixture"]

GUILD, CHANNEL = "800000000000000001", "800000000000000002"


async def test_a_call_that_is_cancelled_while_discord_limits_the_bot_holds_up_no_other(
    discord_server: LoopbackDiscord,
) -> None:
    discord_server.guild(GUILD, [CHANNEL], ["ada"])
    discord_server.fail(f"POST /channels/{CHANNEL}/messages", Fault(retry_after=0.3, everywhere=True))
    async with DiscordRest(SecretStr(discord_server.token), Metrics()) as rest:
        place = rest.client.get_partial_messageable(int(CHANNEL))
        given_up = asyncio.create_task(insist(partial(place.send, "Nobody waits for this.")))
        await discord_server.until(lambda: [call for call in discord_server.calls if call.status == 429])
        given_up.cancel()
        await asyncio.wait((given_up,))
        assert given_up.cancelled()
        async with asyncio.timeout(10):
            await insist(partial(place.send, "But for this."))
        said = [message.content for message in discord_server.thread(CHANNEL)]
        assert sorted(said) == ["But for this.", "Nobody waits for this."]
