"""What can go wrong in Erica, and what a person is told.

EricaError(user_message)
├── ConfigError            exits at start with what to change
├── QuestionRejected       Paused and Muted come with moderation
│   ├── EmptyQuestion
│   ├── RateLimited
│   └── TooLong
├── RetrievalFailed        from retrieval.RetrievalError
├── ModelFailed            every kind below leads to the next model, then to quoted passages
│   ├── ModelBusy          429, 5xx or no connection, after the retries
│   ├── ModelTimeout       no first or no next chunk in time
│   └── ContextTooLong     the prompt does not fit
├── DeliveryFailed         the platform did not take what was to be shown; another attempt may help
│   └── Undeliverable      none will: the channel is archived, the thread locked, the token revoked
├── MemoryFailed           Redis or Valkey is out of reach
├── JournalFailed          the same, for what became of questions
├── FeedbackFailed         the same, for what students think of answers
├── IntakeFailed           an event could not be kept, so the platform must not be told that it was
└── ClaimLost              another worker has taken the question over; stop

Adapters translate what SDKs raise into these (`raise ... from`). `str(error)` is for logs and operators;
a student sees `user_message` and nothing else.
"""


class EricaError(Exception):
    """Root of what Erica raises. `hint` tells an operator what to change, in one sentence."""

    user_message = "Something went wrong on my side. Please try again in a moment."
    code = "failed"

    def __init__(self, message: str, hint: str = "", user_message: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if user_message is not None:
            self.user_message = user_message


class ConfigError(EricaError):
    """A setting, a course file or the installation is wrong."""

    code = "config"


class QuestionRejected(EricaError):
    """The question is not one Erica takes; `user_message` says what to do instead."""

    code = "rejected"


class EmptyQuestion(QuestionRejected):
    """Nothing is left of the question once greetings and mentions are gone."""

    user_message = "I did not find a question in that. Ask me something about the course material."


class TooLong(QuestionRejected):
    """The question is longer than Erica reads."""

    user_message = "That is longer than I can read. Please cut it down to the part you are asking about."


class RateLimited(QuestionRejected):
    """The student has asked too much in too short a time; `user_message` says when to ask again."""


class RetrievalFailed(EricaError):
    """Search could not be done."""

    user_message = "I cannot search the course material right now. Please try again in a moment."
    code = "retrieval"


class ModelFailed(EricaError):
    """The answering model did not deliver."""

    user_message = "The answering model is not available right now."
    code = "model"


class ModelBusy(ModelFailed):
    """The model server refused, was overloaded or could not be reached."""


class ModelTimeout(ModelFailed):
    """The model server was silent for too long."""


class ContextTooLong(ModelFailed):
    """The prompt is larger than the model's context."""


class DeliveryFailed(EricaError):
    """A platform did not take what was to be shown, after the retries; another attempt later may help."""

    code = "delivery"


class Undeliverable(DeliveryFailed):
    """A platform never will: the place is gone or closed, or Erica may not write there any more."""


class JournalFailed(EricaError):
    """What became of questions is out of reach."""

    code = "journal"


class FeedbackFailed(EricaError):
    """What students think of answers is out of reach."""

    user_message = "I could not keep that just now. Please try again in a moment."
    code = "feedback"


class MemoryFailed(EricaError):
    """What Erica remembers is out of reach; answers go on without it."""

    code = "memory"


class IntakeFailed(EricaError):
    """Questions cannot be kept or taken; the platform must send again what was not kept."""

    code = "intake"


class ClaimLost(EricaError):
    """The question is no longer this worker's: another one has taken it over, or it has had its end."""

    code = "intake"
