"""The loopback Slack's Web API, second part: streamed messages, statuses and agent sessions. Knows no HTTP."""

from slack_blocks import MOST_MARKDOWN, SlackError, check_blocks, check_chunks, check_metadata, check_ts
from slack_methods import Args, about_change, clear_status, method, new_message, own, parent, send, writable
from slack_records import Channel, Edit, Message, Workspace
from slack_shown import Json
from slack_world import SlackWorld

SESSION_STATUSES = {"active", "processing", "suspended", "closed"}


@method("chat.startStream", "chat:write", tier=2)
def start_stream(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """Begin a reply that grows. Outside direct messages it wants to know for whom."""
    place = writable(world, team, args.text("channel"))
    if not args.text("thread_ts"):
        raise SlackError("invalid_arguments")
    if place.kind != "im":
        _check_recipient(world, args)
    message = new_message(world, team, place, parent(world, place, args))
    message.streaming, message.unfurl = "open", False
    _grow(world, message, args)
    send(world, team, message)
    return {"channel": place.id, "ts": message.ts}


def _check_recipient(world: SlackWorld, args: Args) -> None:
    if not args.text("recipient_team_id"):
        raise SlackError("missing_recipient_team_id")
    if not args.text("recipient_user_id"):
        raise SlackError("missing_recipient_user_id")
    if args.text("recipient_team_id") not in world.workspaces:
        raise SlackError("team_not_found")
    if args.text("recipient_user_id") not in world.users:
        raise SlackError("user_not_found")


@method("chat.appendStream", "chat:write", tier=4)
def append_stream(world: SlackWorld, team: Workspace, args: Args) -> Json:
    place, message = _open(world, team, args)
    if not args.text("markdown_text") and not args.json("chunks"):
        raise SlackError("no_text")
    _grow(world, message, args)
    world.changed()
    return {"channel": place.id, "ts": message.ts}


@method("chat.stopStream", "chat:write", tier=2)
def stop_stream(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """End a stream, with a last piece and blocks below it."""
    place, message = _open(world, team, args)
    blocks = args.json("blocks", "invalid_blocks_format") or []
    check_blocks(blocks, world.files)
    metadata = check_metadata(args.json("metadata", "invalid_metadata_format"))
    session = args.text("session_status") or "active"
    if session not in SESSION_STATUSES:
        raise SlackError("invalid_arguments")
    before = message.json(world.url)
    _grow(world, message, args)
    message.blocks += blocks
    message.metadata = metadata or message.metadata
    message.streaming = "stopped"
    world.sessions[place.id, message.thread_ts] = session
    world.emit(team, about_change(world, message, before))
    world.changed()
    return {"channel": place.id, "ts": message.ts, "message": message.json(world.url)}


def _open(world: SlackWorld, team: Workspace, args: Args) -> tuple[Channel, Message]:
    place = writable(world, team, args.text("channel"))
    message = own(world, team, place, args, "message_not_owned_by_app")
    if message.streaming == "stopped by user":
        raise SlackError("stopped_by_user")
    if message.streaming != "open":
        raise SlackError("message_not_in_streaming_state")
    return place, message


def _grow(world: SlackWorld, message: Message, args: Args) -> None:
    """Add a piece. What one streamed message holds in all is bounded too, as developers measured it."""
    markdown, chunks = args.text("markdown_text"), args.json("chunks")
    if markdown and chunks:
        raise SlackError("cannot_provide_both_markdown_text_and_chunks")
    more, blocks = check_chunks(chunks, world.files) if chunks else (markdown, [])
    if len(message.markdown) + len(more) > MOST_MARKDOWN:
        raise SlackError("msg_too_long")
    message.markdown += more
    message.blocks += blocks
    if more:
        message.grew.append((world.clock.now(), len(message.markdown)))


@method("assistant.threads.setStatus", "chat:write", tier=5)
def set_status(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """What stands under a thread while its people wait; goes with the next message there, or after two minutes."""
    place = writable(world, team, args.text("channel_id"))
    ts = check_ts(args.raw.get("thread_ts"), "invalid_thread_ts")
    world.find(place.id, ts, "invalid_thread_ts")
    loading = args.json("loading_messages") or []
    if args.raw.get("status") is None or not isinstance(loading, list) or len(loading) > 10:
        raise SlackError("invalid_arguments")
    status = Edit(world.clock.now(), args.text("status"))
    if status.text:
        place.statuses[ts] = status
    else:
        clear_status(world, place, ts)
    place.told.append((ts, status))
    world.changed()
    return {}


@method("assistant.threads.setTitle", "assistant:write", tier=5)
@method("assistant.threads.setSuggestedPrompts", "assistant:write", tier=5)
def set_assistant(world: SlackWorld, team: Workspace, args: Args) -> Json:
    writable(world, team, args.text("channel_id"))
    return {}


@method("agents.sessions.setStatus", "chat:write", tier=3)
def set_session(world: SlackWorld, team: Workspace, args: Args) -> Json:
    """Where an agent's work in a thread stands; while it is `processing`, people see a stop button."""
    place = writable(world, team, args.text("channel_id"))
    ts = check_ts(args.raw.get("thread_ts"), "invalid_thread_ts")
    if args.text("status") not in SESSION_STATUSES:
        raise SlackError("invalid_arguments")
    world.sessions[place.id, ts] = args.text("status")
    world.changed()
    return {"status": args.text("status"), "agent_status": args.text("status")}
