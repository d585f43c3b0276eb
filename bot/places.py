"""Pure: which course is taught in which channel of which platform."""

from collections.abc import Sequence

from bot.course import Course
from bot.errors import ConfigError
from bot.intake import Platform


class Places:
    """The channels of all courses that this Erica serves."""

    def __init__(self, courses: Sequence[Course]) -> None:
        """Raises ConfigError where two courses have the same id, or claim one channel."""
        self._courses: dict[str, Course] = {}
        self._at: dict[tuple[str, str, str], str] = {}
        for course in courses:
            if course.id in self._courses:
                raise ConfigError(f"two course files have the id {course.id}", "Give each course an id of its own.")
            self._courses[course.id] = course
            for channel in course.channels:
                place = (channel.platform, channel.workspace, channel.id)
                if self._at.setdefault(place, course.id) != course.id:
                    raise ConfigError(
                        f"the {channel.platform} channel {channel.id} belongs to {self._at[place]} and to {course.id}",
                        "One channel is for one course.",
                    )

    def course(self, course_id: str) -> Course | None:
        """The course of that id."""
        return self._courses.get(course_id)

    def course_at(self, platform: Platform, workspace: str, channel: str) -> Course | None:
        """The course of a channel; `workspace` is Slack's team or Discord's guild."""
        return self._courses.get(self._at.get((platform, workspace, channel), ""))

    def courses_in(self, platform: Platform, workspace: str) -> tuple[Course, ...]:
        """The courses of a workspace; with "" those of the whole platform, for Discord's direct messages."""
        found = (id_ for (on, team, _), id_ in self._at.items() if on == platform and workspace in ("", team))
        return tuple(self._courses[id_] for id_ in dict.fromkeys(found))

    def channels(self, platform: Platform) -> tuple[tuple[str, str], ...]:
        """Every workspace and channel that some course has on a platform."""
        return tuple((team, channel) for (on, team, channel) in self._at if on == platform)
