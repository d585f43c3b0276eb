"""What can go wrong in Erica, and what a person is told.

EricaError(user_message)
├── ConfigError            exits at start with what to change
├── QuestionRejected       RateLimited, TooLong, Paused, Muted come with the chat adapters
│   ├── EmptyQuestion
│   └── TooLong
├── RetrievalFailed        from retrieval.RetrievalError
├── ModelFailed            every kind below leads to the next model, then to quoted passages
│   ├── ModelBusy          429, 5xx or no connection, after the retries
│   ├── ModelTimeout       no first or no next chunk in time
│   └── ContextTooLong     the prompt does not fit
├── MemoryFailed           Redis or Valkey is out of reach
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


class MemoryFailed(EricaError):
    """What Erica remembers is out of reach; answers go on without it."""

    code = "memory"


class IntakeFailed(EricaError):
    """Questions cannot be kept or taken; the platform must send again what was not kept."""

    code = "intake"


class ClaimLost(EricaError):
    """The question is no longer this worker's: another one has taken it over, or it has had its end."""

    code = "intake"
