"""The loopback Slack's Web API, third part: who and what there is, reactions, files, and views. Knows no HTTP."""

import base64
import re
from typing import TypeVar

from slack_blocks import SlackError, check_blocks, check_ts
from slack_methods import Args, method, new_message, parent, readable, send, writable
from slack_records import Channel, Message, SharedFile, Workspace
from slack_shown import Json
from slack_world import SlackWorld

T = TypeVar("T")
TRIGGER_LIFE = 3.0  # seconds in which a trigger_id opens a view


def page(items: list[T], args: Args, usual: int = 100) -> tuple[list[T], Json]:
    """One page of a long answer, and the cursor to the next. Raises SlackError."""
    try:
        start = int(base64.b64decode(args.text("cursor"), validate=True).decode() or 0)
    except ValueError:
        raise SlackError("invalid_cursor") from None
    end = start + min(max(args.number("limit", usual), 1), 1_000)
    after = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
    return items[start:end], {"response_metadata": {"next_cursor": after}, "has_more": bool(after)}


@method("api.test", tier=4)
def api_test(world: SlackWorld, team: Workspace, args: Args) -> Json:
    return {"args": dict(args.raw)}


@method("auth.test", tier=5)
def auth_test(world: SlackWorld, team: Workspace, args: Args) -> Json:
    names = {"url": f"https://{team.domain}.slack.com/", "team": team.id, "user": team.bot_user.lower()}
    return {
        **names,
        "team_id": team.id,
        "user_id": team.bot_user,
        "bot_id": team.bot_id,
        "is_enterprise_install": False,
    }


@method("auth.revoke", tier=3)
def auth_revoke(world: SlackWorld, team: Workspace, args: Args) -> Json:
    team.revoked = not args.flag("test")
    return {"revoked": team.revoked}


@method("team.info", "team:read")
def team_info(world: SlackWorld, team: Workspace, args: Args) -> Json:
    return {"team": {"id": team.id, "name": team.id, "domain": team.domain}}


# Conversations.


def described(place: Channel) -> Json:
    """A conversation as Slack describes it."""
    kinds = {"is_channel": place.kind == "channel", "is_group": place.kind == "group", "is_im": place.kind == "im"}
    name = {"user": place.members[0]} if place.kind == "im" else {"name": place.id.lower()}
    state = {"is_archived": place.archived, "is_member": place.bot, "is_private": place.kind != "channel"}
    return {"id": place.id, **name, **kinds, **state, "context_team_id": place.team}


@method("conversations.info", "*:read")
def conversation_info(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = world.channels.get(args.text("channel"))
    if place is None or place.team != team.id or (place.kind == "group" and not place.bot):
        raise SlackError("channel_not_found")
    return {"channel": described(place)}


@method("conversations.members", "*:read", tier=4)
def conversation_members(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = readable(world, team, args.text("channel"))
    members, more = page([*place.members, team.bot_user], args)
    return {"members": members, **more}


@method("conversations.open", "im:write")
def conversation_open(world: SlackWorld, team: Workspace, args: Args) -> Json:
    user = args.text("users") or args.text("channel").removeprefix("D")
    if user not in world.users or world.users[user].team != team.id:
        raise SlackError("user_not_found" if args.text("users") else "channel_not_found")
    return {"channel": {"id": world.direct_channel(user).id}}


@method("conversations.join", "channels:join")
def conversation_join(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place = world.channels.get(args.text("channel"))
    if place is None or place.team != team.id or place.kind != "channel":
        raise SlackError("channel_not_found")
    if place.archived:
        raise SlackError("is_archived")
    place.bot = True
    return {"channel": described(place)}


@method("users.conversations", "channels:read")
@method("conversations.list", "channels:read", tier=2)
def conversation_list(world: SlackWorld, team: Workspace, args: Args) -> Json:
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = {kinds.get(each, each) for each in (args.text("types") or "public_channel").split(",")}
    there = [each for each in world.channels.values() if each.team == team.id and each.kind in wanted]
    places, more = page([each for each in there if each.bot or each.kind == "channel"], args)
    return {"channels": [described(each) for each in places], **more}


@method("conversations.replies", "*:history")
def replies(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """A thread, oldest first; its parent is always there."""
    place = readable(world, team, args.text("channel"))
    first = world.find(place.id, check_ts(args.raw.get("ts"), "invalid_ts"), "thread_not_found")
    thread = [each for each in world.in_thread(place.id, first.thread_ts or first.ts) if not each.ephemeral_to]
    found, more = page(thread[:1] + [each for each in thread[1:] if _within(each, args)], args, 1_000)
    return {"messages": [_message(world, each, args) for each in found], **more}


@method("conversations.history", "*:history")
def history(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """A channel without its replies, newest first."""
    place = readable(world, team, args.text("channel"))
    there = [world.find(place.id, ts) for ts, each in place.messages.items() if each.deleted_at is None]
    shown = [each for each in there if each.thread_ts in ("", each.ts) and not each.ephemeral_to]
    newest = sorted((each for each in shown if _within(each, args)), key=lambda each: each.ts, reverse=True)
    found, more = page(newest, args)
    return {"messages": [_message(world, each, args) for each in found], **more}


def _within(message: Message, args: Args) -> bool:
    oldest, latest, same = args.text("oldest") or "0", args.text("latest") or "9999999999", args.flag("inclusive")
    at = float(message.ts)
    return float(oldest) < at < float(latest) or (same and message.ts in (oldest, latest))


def _message(world: SlackWorld, message: Message, args: Args) -> Json:
    body = message.json(world.url, metadata=args.flag("include_all_metadata"))
    if message.thread_ts == message.ts:
        answers = world.in_thread(message.channel, message.ts)[1:]
        body["reply_count"] = len(answers)
        body["reply_users"] = sorted({each.user for each in answers})
    return body


# People.


@method("users.info", "users:read", tier=4)
def user_info(world: SlackWorld, team: Workspace, args: Args) -> Json:
    user = world.users.get(args.text("user"))
    if user is None or user.team != team.id:
        raise SlackError("user_not_found")
    return {"user": user.profile()}


@method("bots.info", "users:read")
def bot_info(world: SlackWorld, team: Workspace, args: Args) -> Json:
    if args.text("bot") != team.bot_id:
        raise SlackError("bot_not_found")
    return {"bot": {"id": team.bot_id, "name": team.bot_user.lower(), "user_id": team.bot_user, "deleted": False}}


@method("usergroups.users.list", "usergroups:read", tier=2)
def usergroup(world: SlackWorld, team: Workspace, args: Args) -> Json:
    if args.text("usergroup") not in world.usergroups:
        raise SlackError("no_such_subteam")
    return {"users": world.usergroups[args.text("usergroup")]}


@method("reactions.add", "reactions:write")
def react(world: SlackWorld, team: Workspace, args: Args) -> Json:
    users = _reacting(world, team, args)
    if team.bot_user in users:
        raise SlackError("already_reacted")
    users.append(team.bot_user)
    world.changed()
    return {}


@method("reactions.remove", "reactions:write", tier=2)
def unreact(world: SlackWorld, team: Workspace, args: Args) -> Json:
    users = _reacting(world, team, args)
    if team.bot_user not in users:
        raise SlackError("no_reaction")
    users.remove(team.bot_user)
    world.changed()
    return {}


def _reacting(world: SlackWorld, team: Workspace, args: Args) -> list[str]:
    place = writable(world, team, args.text("channel"))
    if not args.text("timestamp"):
        raise SlackError("no_item_specified")
    message = world.find(place.id, check_ts(args.raw["timestamp"], "bad_timestamp"))
    if not re.fullmatch(r"[a-z0-9_+'-]+", args.text("name")):
        raise SlackError("invalid_name")
    return message.reactions.setdefault(args.text("name"), [])


# Files.


@method("files.getUploadURLExternal", "files:write", tier=4)
def upload_url(world: SlackWorld, team: Workspace, args: Args) -> Json:
    if not args.text("filename") or args.number("length", 0) <= 0:
        raise SlackError("invalid_arguments")
    made = SharedFile(world.new_id("F"), args.text("filename"), team.id, user=team.bot_user)
    made.alt_text, made.length = args.text("alt_txt"), args.number("length", 0)
    world.files[made.id] = made
    return {"upload_url": f"{world.url}/upload/v1/{made.id}", "file_id": made.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """Share what was uploaded; without a channel it stays private."""
    named = args.json("files")
    if not isinstance(named, list) or not named:
        raise SlackError("invalid_arguments")
    files = [_file(world, team, str(each.get("id"))) for each in named]
    for file, each in zip(files, named, strict=True):
        if not file.uploaded or file.shared:
            raise SlackError("file_not_found")
        file.title = str(each.get("title") or file.name)
    for channel in (args.text("channel_id") or args.text("channels")).split(","):
        if channel:
            place = writable(world, team, channel)
            message = new_message(world, team, place, parent(world, place, args))
            message.text, message.files = args.text("initial_comment"), files
            send(world, team, message)
    for file in files:
        file.shared = True
    return {"files": [file.json(world.url) for file in files]}


@method("files.info", "files:read", tier=4)
def file_info(world: SlackWorld, team: Workspace, args: Args) -> Json:
    return {"file": _file(world, team, args.text("file")).json(world.url)}


def _file(world: SlackWorld, team: Workspace, file: str) -> SharedFile:
    if file not in world.files or world.files[file].team != team.id:
        raise SlackError("file_not_found")
    return world.files[file]


# Views.


@method("views.open", tier=4)
def open_view(world: SlackWorld, team: Workspace, args: Args) -> Json:
    given = world.triggers.pop(args.text("trigger_id"), None)
    if given is None:
        raise SlackError("invalid_trigger_id")
    if world.clock.now() - given[0] > TRIGGER_LIFE:
        raise SlackError("expired_trigger_id")
    view = _checked_view(world, args) | {"id": world.new_id("V"), "opened_for": given[1]}
    return {"view": _keep(world, team, view)}


@method("views.update", tier=4)
def update_view(world: SlackWorld, team: Workspace, args: Args) -> Json:
    if args.text("view_id") not in world.views:
        raise SlackError("not_found")
    return {"view": _keep(world, team, world.views[args.text("view_id")] | _checked_view(world, args))}


@method("views.publish", tier=4)
def publish_view(world: SlackWorld, team: Workspace, args: Args) -> Json:
    if args.text("user_id") not in world.users:
        raise SlackError("user_not_found")
    view = _checked_view(world, args, "home") | {"id": world.new_id("V"), "opened_for": args.text("user_id")}
    world.homes[args.text("user_id")] = _keep(world, team, view)
    return {"view": view}


def _checked_view(world: SlackWorld, args: Args, kind: str = "modal") -> Json:
    view = args.json("view")
    if not isinstance(view, dict) or view.get("type") != kind:
        raise SlackError("invalid_arguments")
    title = (view.get("title") or {}).get("text", "")
    inputs = any(block.get("type") == "input" for block in view.get("blocks") or ())
    if kind == "modal" and (not 1 <= len(title) <= 24 or (inputs and not view.get("submit"))):
        raise SlackError("invalid_arguments")
    check_blocks(view.get("blocks"), world.files)
    return view


def _keep(world: SlackWorld, team: Workspace, view: Json) -> Json:
    kept: Json = {"private_metadata": "", "callback_id": "", "state": {"values": {}}, **view, "team_id": team.id}
    kept |= {"app_id": "A1", "bot_id": team.bot_id, "hash": world.new_id("h")}
    world.views[kept["id"]] = kept
    world.changed()
    return kept
