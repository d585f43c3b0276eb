"""Pure: Slack's payloads become what they mean to Erica, and nothing in them breaks her."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.adapters.slack_events import Asked, Deleted, Edited, Explained, Rated, Removed, Stopped, Us, from_event
from bot.adapters.slack_interactions import from_action, from_command, from_shortcut, from_view, reason_modal
from bot.adapters.slack_payload import plain
from bot.intake import Attachment, Incoming, keys

US = Us("T1", "UBOT", "BBOT")


def message(text: str = "What is A*?", **fields: Any) -> dict[str, Any]:
    usual = {"type": "message", "channel": "C1", "channel_type": "channel", "user": "U1", "ts": "100.1", "text": text}
    return {key: value for key, value in {**usual, **fields}.items() if value is not None}


def meaning(event: dict[str, Any], event_id: str = "Ev1") -> Any:
    return from_event({"type": "event_callback", "team_id": "T1", "event_id": event_id, "event": event}, US, 7.0)


def asked(event: dict[str, Any], event_id: str = "Ev1") -> Incoming:
    found = meaning(event, event_id)
    assert isinstance(found, Asked)
    return found.incoming


# Text.


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@UBOT> What is A*?", "What is A*?"),
        ("<@UBOT>: what is A*?", "what is A*?"),
        ("<@UBOT|erica>, what is A*?", "what is A*?"),
        ("Hey <@UBOT> what is A*?", "Hey what is A*?"),
        ("What is A*, <@UBOT>?", "What is A*,?"),
        ("<@UBOT> <@UBOT>", ""),
        ("<@UBOT>\n- one\n- two", "- one\n- two"),
        ("ask <@U2> or <@U3|ada>", "ask @somebody or @ada"),
        ("see <#C7|general> and <#C8>", "see #general and another channel"),
        ("<!here> and <!subteam^S1|@tas> and <!date^1^{date}|today>", "@here and @tas and today"),
        ("<https://a.edu/x>", "https://a.edu/x"),
        ("<http://a.edu|a.edu> says", "http://a.edu says"),
        ("<https://a.edu/x|the notes>", "the notes (https://a.edu/x)"),
        ("<mailto:a@b.edu|a@b.edu>", "a@b.edu"),
        ("is 1 &lt; 2 &amp;&amp; 3 &gt; 2?", "is 1 < 2 && 3 > 2?"),
        ("&amp;lt;", "&lt;"),
        ("```\nif a &lt; b &amp;&amp; c:\n    <http://x.y|x.y>()\n```", "```\nif a < b && c:\n    x.y()\n```"),
        ("`List&lt;int&gt;` and <@U2>", "`List<int>` and @somebody"),
        (
            "typed in a command: std::vector<std::string> and a<b",
            "typed in a command: std::vector<std::string> and a<b",
        ),
        ("a  b\n\n  c", "a  b\n\n  c"),
    ],
)
def test_text_is_read_as_people_read_it(written: str, read: str) -> None:
    assert plain(written, "UBOT") == read


@given(st.text(alphabet="<>@#!|&`;:/ ab\n", max_size=60))
@example("<@UBOT>" * 30)
def test_any_text_can_be_read(written: str) -> None:
    assert "<@UBOT" not in plain(written, "UBOT") or "`" in written


# Messages.


def test_a_mention_and_its_twin_are_the_same_question() -> None:
    text = "<@UBOT> What is A*?"
    first = asked(message(text, type="app_mention", channel_type=None), "Ev1")
    second = asked(message(text), "Ev2")
    assert first.kind == second.kind == "mention"
    assert first.text == second.text == "What is A*?"
    assert set(keys(first)) & set(keys(second))
    assert first == Incoming("slack", "T1", "C1", "100.1", None, "U1", "What is A*?", "mention", 7.0, "Ev1")


@pytest.mark.parametrize("text", ["What is A*?", "<@UBOT> What is A*?", "<@U2> hello"])
def test_direct_messages_are_private_whatever_they_mention(text: str) -> None:
    for event in (message(text, channel="D1", channel_type="im"), message(text, channel="D1", channel_type=None)):
        assert (asked(event).kind, asked(event).private) == ("direct", True)


def test_a_group_of_people_is_like_a_channel() -> None:
    incoming = asked(message(channel="G1", channel_type="mpim"))
    assert (incoming.kind, incoming.private) == ("message", False)


def test_the_first_message_of_a_thread_is_not_in_it() -> None:
    assert asked(message(thread_ts="100.1")).thread is None
    assert asked(message(thread_ts="90.1")).thread == "90.1"


def test_files_come_along() -> None:
    files = [
        {"name": "a.py", "url_private": "https://files.slack.com/a", "size": 12, "mimetype": "text/x-python"},
        {"title": "b", "url_private_download": "https://files.slack.com/b", "size": "?"},
        {"id": "F3", "file_access": "check_file_info"},
        "F4",
    ]
    incoming = asked(message("", subtype="file_share", files=files))
    assert incoming.attachments == (
        Attachment("a.py", "https://files.slack.com/a", 12, "text/x-python"),
        Attachment("b", "https://files.slack.com/b", 0, ""),
    )


@pytest.mark.parametrize("subtype", ["thread_broadcast", "me_message", "file_share"])
def test_what_people_write_counts(subtype: str) -> None:
    assert asked(message(subtype=subtype)).text == "What is A*?"


@pytest.mark.parametrize(
    "event",
    [
        message(bot_id="B9"),
        message(bot_id="B9", subtype="bot_message", user=None),
        message(user="UBOT"),
        message("<@UBOT> hi", type="app_mention", bot_id="B9"),
        message("<@U1> has joined", subtype="channel_join"),
        message(subtype="channel_topic"),
        message(subtype="reminder_add"),
        message("<@U2> did you get that?"),
        message(" <!subteam^S1|@tas> anybody?"),
        message(user=None),
        message(ts=None),
        message(channel=None),
        {"type": "reaction_added", "user": "U1"},
        {"type": "app_home_opened", "user": "U1", "tab": "messages", "channel": "D1"},
        {"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}},
        {"type": "agent_session_stopped", "channel": "C1"},
    ],
)
def test_what_asks_nothing_is_left(event: dict[str, Any]) -> None:
    assert meaning(event) is None


# Edits and deletions.


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "message",
        "subtype": "message_changed",
        "channel": "C1",
        "ts": "200.0",
        "message": after,
        "previous_message": before,
    }


def edited(text: str, **fields: Any) -> dict[str, Any]:
    return message(text, channel=None, channel_type=None, edited={"user": "U1", "ts": "130.5"}, **fields)


def test_an_edit_is_another_revision_of_the_same_question() -> None:
    first = asked(message("<@UBOT> What is A?"))
    found = meaning(changed(message("<@UBOT> What is A?"), edited("<@UBOT> What is A*?")), "Ev2")
    assert isinstance(found, Edited)
    assert found.seconds == pytest.approx(30.4)
    assert (found.incoming.text, found.incoming.revision) == ("What is A*?", "130.5")
    assert (found.incoming.question, found.incoming.kind) == (first.question, "mention")
    assert not set(keys(first)) & set(keys(found.incoming))


def test_an_edit_without_what_was_there_before_is_one_too() -> None:
    event = {key: value for key, value in changed({}, edited("new")).items() if key != "previous_message"}
    assert isinstance(meaning(event), Edited)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (message("same"), edited("same", attachments=[{"title": "a preview"}])),
        (message("one"), message("two")),  # nobody edited it
        (message("one", user="UBOT"), edited("two", user="UBOT")),
        (message("one", bot_id="B9"), edited("two", bot_id="B9")),
        (message("one"), edited("two", ts="then")),
        (message("one"), edited("two", subtype="channel_topic")),
        (message("one", user="UBOT"), message("", subtype="tombstone", user="USLACKBOT")),
    ],
)
def test_changes_that_are_no_edits_of_a_question(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert meaning(changed(before, after)) is None


def test_a_question_may_be_gone_in_two_ways() -> None:
    question = asked(message()).question
    gone = {"type": "message", "subtype": "message_deleted", "channel": "C1", "deleted_ts": "100.1", "ts": "201.0"}
    assert meaning(gone) == Deleted(question)
    assert meaning({**gone, "previous_message": message()}) == Deleted(question)
    assert meaning({**gone, "previous_message": message(bot_id="BBOT")}) is None
    tombstone = message("This message was deleted.", subtype="tombstone", user="USLACKBOT")
    assert meaning(changed(message(), tombstone)) == Deleted(question)


def test_stop_names_the_conversation_of_the_question() -> None:
    event = {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "100.1", "user": "U2"}
    assert meaning(event) == Stopped(asked(message()).conversation)
    assert meaning(event) == Stopped(asked(message(ts="150.0", thread_ts="100.1")).conversation)


def test_a_workspace_may_go() -> None:
    assert meaning({"type": "app_uninstalled"}) == Removed("T1", "app_uninstalled")
    assert meaning({"type": "tokens_revoked", "tokens": {"bot": ["UBOT"]}}) == Removed("T1", "tokens_revoked")


# Commands, shortcuts, buttons, modals.


def command(name: str, text: str, **fields: Any) -> Incoming:
    usual = {
        "channel_id": "C1",
        "channel_name": "ai",
        "user_id": "U1",
        "trigger_id": "7.8",
        "response_url": "https://r",
    }
    found = from_command({"command": name, "text": text, **usual, **fields}, US, 7.0)
    assert found is not None
    return found.incoming


@pytest.mark.parametrize(
    ("name", "text", "wanted", "argument"),
    [
        ("/ask", " what is A*? ", "ask", "what is A*?"),
        ("/Concept", "A*", "concept", "A*"),
        ("/path", "A* B", "path", "A* B"),
        ("/sources", "x &lt; y", "sources", "x < y"),
        ("/help", "", "help", ""),
        ("/erica", "ask  what is\nA*?", "ask", "what is\nA*?"),
        ("/erica", "CONCEPT A*", "concept", "A*"),
        ("/erica", "course ai", "course", "ai"),
        ("/erica", "", "help", ""),
        ("/erica", "dance", "help", ""),
        ("/tutor", "path A*", "path", "A*"),
    ],
)
def test_slash_commands(name: str, text: str, wanted: str, argument: str) -> None:
    incoming = command(name, text)
    assert (incoming.command, incoming.text, incoming.kind) == (wanted, argument, "command")
    assert (incoming.message, incoming.event, incoming.reply_to, incoming.private) == ("", "7.8", "https://r", False)


def test_a_command_in_a_direct_message_is_private() -> None:
    assert command("/ask", "x", channel_id="D1").private
    assert command("/ask", "x", channel_name="directmessage").private


def shortcut(**fields: Any) -> dict[str, Any]:
    chosen = {"ts": "100.1", "thread_ts": "90.1", "text": "<@U2> why is `a&lt;b`?", "user": "U2"}
    where = {"channel": {"id": "C1", "name": "ai"}, "user": {"id": "U1"}, "trigger_id": "7.8"}
    return {"type": "message_action", "callback_id": "ask_erica", "message": chosen, **where, **fields}


def test_a_shortcut_asks_what_the_message_says_for_whoever_chose_it() -> None:
    found = from_shortcut(shortcut(), US, 7.0)
    assert found is not None
    incoming = found.incoming
    assert (incoming.kind, incoming.command, incoming.text) == ("shortcut", "ask", "@somebody why is `a<b`?")
    assert (incoming.author, incoming.message, incoming.thread, incoming.event) == ("U1", "100.1", "90.1", "7.8")
    assert from_shortcut(shortcut(trigger_id="", action_ts="9.9"), US, 7.0) is not None
    assert from_shortcut(shortcut(callback_id="other"), US, 7.0) is None


def pressed(action_id: str, value: Any, **fields: Any) -> dict[str, Any]:
    action = {"action_id": action_id, "value": value if isinstance(value, str) else json.dumps(value)}
    container = {"type": "message", "message_ts": "100.1", "channel_id": "C1", "thread_ts": "90.1"}
    usual = {"user": {"id": "U1"}, "trigger_id": "7.8", "response_url": "https://r", "container": container}
    return {"type": "block_actions", "actions": [action], **usual, **fields}


def test_a_choice_is_a_command() -> None:
    found = from_action(pressed("erica:choice:3", {"command": "path", "argument": "A & <B>"}), US, 7.0)
    assert isinstance(found, Asked)
    expected = Incoming("slack", "T1", "C1", "100.1", "90.1", "U1", "A & <B>", "command", 7.0, "7.8")
    assert found.incoming == replace(expected, command="path", reply_to="https://r")


def test_thumbs_and_reasons() -> None:
    found = from_action(pressed("erica:feedback", {"answer": "a1", "rating": "down"}), US, 7.0)
    assert found == Rated("a1", "U1", "down", "7.8", "https://r", "90.1")
    state = {"values": {"why": {"reason": {"type": "plain_text_input", "value": "Too short."}}}}
    view = {**reason_modal("a1"), "state": state}
    assert from_view({"user": {"id": "U1"}, "view": view}) == Explained("a1", "U1", "Too short.")
    assert from_view({"user": {"id": "U1"}, "view": {**view, "state": {}}}) == Explained("a1", "U1", "")


@pytest.mark.parametrize(
    ("action_id", "value"),
    [
        ("erica:choice:0", "{"),
        ("erica:choice:0", "[" * 100_000),
        ("erica:choice:0", {"command": "drop", "argument": "x"}),
        ("erica:choice:0", ["ask"]),
        ("erica:feedback", {"answer": "a1", "rating": "sideways"}),
        ("erica:feedback", {"rating": "up"}),
    ],
)
def test_values_that_cannot_be_read_are_ignored_with_a_line(
    action_id: str, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert from_action(pressed(action_id, value), US, 7.0) is None
    assert "carries nothing that this version reads" in caplog.text


def test_buttons_of_others_are_ignored_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    assert from_action(pressed("other", {}), US, 7.0) is None
    assert caplog.text == ""


# Malformed.

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["", "C1", "message", "message_changed", "nan", "<@UBOT>"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "type subtype channel user ts text message previous_message edited files tokens bot actions action_id "
                "value container view state values thread_ts id callback_id command trigger_id channel_id".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["event", "event_id", "type"]), JSON), JSON)
def test_no_event_breaks_anything(body: dict[str, Any], event: Any) -> None:
    from_event(body, US, 7.0)
    from_event({"event": event}, US, 7.0)
    for kind in ("message_changed", "message_deleted", ""):
        fields = event if isinstance(event, dict) else {}
        from_event({"event": {"channel": "C1", **fields, "type": "message", "subtype": kind}}, US, 7.0)


@given(JSON)
def test_no_interaction_breaks_anything(body: Any) -> None:
    fields = body if isinstance(body, dict) else {"actions": body, "view": body, "message": body}
    from_command(fields, US, 7.0)
    from_shortcut({**fields, "callback_id": "ask_erica"}, US, 7.0)
    from_action({**fields, "actions": [{"action_id": "erica:choice:0", "value": "{}"}, fields]}, US, 7.0)
    from_view({"user": {"id": "U1"}, "view": {"callback_id": "erica:reason", "private_metadata": "a", "state": fields}})
