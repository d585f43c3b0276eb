"""Pictures up to Slack and attached files down from it. The bot's token goes to Slack's own hosts only."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.adapters.slack_client import SlackClients
from bot.adapters.slack_errors import SlackLost, SlackRefused
from bot.errors import DeliveryFailed
from bot.intake import Attachment
from bot.messages import Picture
from bot.rendering.formulas import Formula, draw_all

_log = logging.getLogger(__name__)

_SLACKS_OWN = ("slack.com", "slack-edge.com", "slack-files.com", "slack-gov.com")
_MOST_HOPS = 3
_DOWNLOAD_SECONDS = 30.0
_UPLOAD_SECONDS = 15.0
"""How long an answer waits for its pictures to be on Slack."""
_LOOKS = (0.2, 0.4, 0.8, 1.6, 3.2)  # seconds between looks whether Slack has read a picture
_CHUNK = 64 * 1024


async def download(clients: SlackClients, team: str, attachment: Attachment, most: int) -> bytes:
    """The first `most` bytes of an attached file. Raises DeliveryFailed, whose message does not tell the address."""
    url, headers = attachment.url, {"Authorization": f"Bearer {await clients.token(team)}"}
    try:
        async with asyncio.timeout(_DOWNLOAD_SECONDS):
            for hop in range(_MOST_HOPS):
                if not _is_slacks(url, clients.api_url):
                    raise DeliveryFailed("an attached file is not on Slack")
                async with clients.session.get(
                    url, headers=headers, proxy=clients.proxy(url), allow_redirects=False
                ) as answer:
                    if answer.status in (301, 302, 303, 307, 308):
                        url = urljoin(url, answer.headers.get("Location", ""))
                        continue
                    page = answer.content_type == "text/html" and (hop > 0 or attachment.media_type != "text/html")
                    if answer.status != 200 or page:
                        # Slack sends those who may not read a file to a page to sign in, with status 200.
                        raise DeliveryFailed(
                            f"an attached file cannot be read: HTTP {answer.status}", "Has Erica the scope files:read?"
                        )
                    return await _first(answer, most)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DeliveryFailed(f"an attached file cannot be read: {type(error).__name__}") from None
    raise DeliveryFailed("an attached file cannot be read: too many redirects")


async def _first(answer: aiohttp.ClientResponse, most: int) -> bytes:
    read = bytearray()
    async for chunk in answer.content.iter_chunked(_CHUNK):
        read += chunk
        if len(read) >= most:
            break
    return bytes(read[:most])


def _is_slacks(url: str, api_url: str) -> bool:
    parts, api = urlsplit(url), urlsplit(api_url)
    if (parts.scheme, parts.netloc) == (api.scheme, api.netloc):
        return True
    host = parts.hostname or ""
    own = any(host == each or host.endswith(f".{each}") for each in _SLACKS_OWN)
    return own and parts.scheme == "https" and parts.port in (None, 443)


async def upload_all(
    clients: SlackClients, team: str, formulas: Sequence[Formula], pictures: Sequence[Picture]
) -> dict[Formula | Picture, str]:
    """Ids of the pictures that are on Slack, ready to be shown; others are left out. Never raises."""
    drawn = await draw_all(formulas) if formulas else {}
    files: dict[Formula | Picture, tuple[str, bytes, str]] = {
        formula: (f"formula-{number}.png", png, formula.latex)
        for number, (formula, png) in enumerate(drawn.items(), 1)
        if png is not None
    }
    files |= {picture: (picture.name, picture.png, picture.description) for picture in pictures}
    ids: dict[Formula | Picture, str] = {}
    try:
        async with asyncio.timeout(_UPLOAD_SECONDS):
            await asyncio.gather(*(_upload(clients, team, ids, what, file) for what, file in files.items()))
    except TimeoutError:
        _log.warning("slack: %d of %d pictures were not uploaded in time", len(files) - len(ids), len(files))
    return ids


async def _upload(
    clients: SlackClients,
    team: str,
    ids: dict[Formula | Picture, str],
    what: Formula | Picture,
    file: tuple[str, bytes, str],
) -> None:
    name, png, description = file
    try:
        given = await clients.call(
            team,
            "files.getUploadURLExternal",
            patience=5.0,
            again=True,
            filename=name,
            length=len(png),
            alt_txt=description[:1_000],
        )
        url, made = str(given.get("upload_url", "")), str(given.get("file_id", ""))
        async with clients.session.post(url, data=png, proxy=clients.proxy(url)) as answer:
            if answer.status != 200:
                raise SlackLost(f"upload: HTTP {answer.status}")
        await clients.call(
            team, "files.completeUploadExternal", patience=5.0, files=[{"id": made, "title": description[:200] or name}]
        )
        await _until_read(clients, team, made)
        ids[what] = made
    except (DeliveryFailed, aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        reason = error if isinstance(error, DeliveryFailed) else type(error).__name__
        _log.warning("slack: a picture could not be uploaded, its text is shown instead: %s", reason)


async def _until_read(clients: SlackClients, team: str, file: str) -> None:
    """Slack reads pictures some time after they came, and shows none before; what they are tells that it has."""
    for rest in _LOOKS:
        try:
            found = await clients.call(team, "files.info", file=file)
        except (SlackRefused, SlackLost) as error:
            _log.debug("slack: cannot look after a picture: %s", error)
            return
        about = found.get("file")
        if isinstance(about, Mapping) and about.get("mimetype"):
            return
        await asyncio.sleep(rest)
