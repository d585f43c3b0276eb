"""A channel of the loopback Slack as a record: message by message with times, as JSON or as text to read."""

from collections.abc import Sequence

from slack_records import Message
from slack_shown import Json
from slack_world import SlackWorld


def transcript(world: SlackWorld, channel: str) -> list[Json]:
    """What happened in a channel, in order, deleted messages and passing statuses included; times in seconds."""
    place = world.channels[channel]
    happened = [(message.at, _entry(world, world.settled(message))) for message in place.messages.values()]
    for thread, status in place.told:
        told = {"at": round(status.at - world.started, 3), "thread": thread, "status": status.text}
        happened.append((status.at, told))
    return [entry for _, entry in sorted(happened, key=lambda each: each[0])]


def _entry(world: SlackWorld, message: Message) -> Json:
    def since(at: float) -> float:
        return round(at - world.started, 3)

    optional: Json = {
        "thread": message.thread_ts,
        "ephemeral_to": message.ephemeral_to,
        "streaming": message.streaming,
        "streamed": [[since(at), characters] for at, characters in message.grew],
        "edits": [{"until": since(edit.at), "text": edit.text} for edit in message.edits],
        "files": [{"name": each.name, "title": each.title, "bytes": len(each.data)} for each in message.files],
        "reactions": {name: users for name, users in message.reactions.items() if users},
        "deleted": since(message.deleted_at) if message.deleted_at is not None else None,
    }
    entry = {"at": since(message.at), "ts": message.ts, "who": message.user, "bot": bool(message.bot_id)}
    return {**entry, "text": message.shown} | {key: value for key, value in optional.items() if value}


def render_transcript(entries: Sequence[Json]) -> str:
    """The same as text, thread by thread: one message a paragraph, replies under a bar."""
    threads: dict[str, list[Json]] = {}
    for entry in entries:
        threads.setdefault(entry.get("thread") or entry["ts"], []).append(entry)
    return "\n\n".join(_paragraph(entry) for thread in threads.values() for entry in thread) + "\n"


def _paragraph(entry: Json) -> str:
    bar = "  │ " if entry.get("thread") and entry.get("thread") != entry.get("ts") else ""
    if "status" in entry:
        return f"{bar}{entry['at']:8.3f}  … {entry['status'] or '(status cleared)'}"
    about = [f"only to {entry['ephemeral_to']}"] if "ephemeral_to" in entry else []
    if streamed := entry.get("streamed"):
        about.append(f"streamed in {len(streamed)} pieces until {streamed[-1][0]:.3f}, {entry['streaming']}")
    about += [f"edited {len(edits)} times"] if (edits := entry.get("edits")) else []
    about += [f"deleted at {entry['deleted']:.3f}"] if "deleted" in entry else []
    head = f"{entry['at']:8.3f}  {entry['who']}" + (f"  ({'; '.join(about)})" if about else "")
    lines = [head, *str(entry["text"]).splitlines()]
    lines += [f"📎 {each['title'] or each['name']} ({each['bytes']} bytes)" for each in entry.get("files", ())]
    if reactions := entry.get("reactions"):
        lines.append(" ".join(f":{name}: {len(users)}" for name, users in reactions.items()))
    return "\n".join(bar + line if at == 0 else f"{bar}          {line}" for at, line in enumerate(lines))
