"""Secrets and addresses, from the environment (`ERICA_*`) and nowhere else."""

import os
from pathlib import Path

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigError


class Settings(BaseSettings):
    """One field a variable; `ERICA_DATA_DIR` is `data_dir`, and so on. Empty variables count as unset."""

    model_config = SettingsConfigDict(env_prefix="ERICA_", env_ignore_empty=True, frozen=True, extra="ignore")

    data_dir: Path = Field(default_factory=lambda: user_data_path("erica", appauthor=False))
    redis_url: SecretStr | None = None
    qdrant_url: str | None = None
    qdrant_api_key: SecretStr | None = None
    embedding_model: str = "BAAI/bge-small-en-v1.5"
    embedding_path: Path | None = None
    model: str | None = None
    model_fallbacks: str = ""
    model_api_base: str | None = None
    model_api_key: SecretStr | None = None
    model_stall_seconds: float = Field(default=20.0, gt=0, le=600)
    courses: str = ""
    memory_key: SecretStr | None = None
    slack_bot_token: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    slack_api_url: str = "https://slack.com/api/"
    discord_token: SecretStr | None = None
    discord_api_url: str = "https://discord.com/api/v10"
    discord_gateway_url: str | None = None
    http_addr: str = "127.0.0.1:8080"

    @field_validator("data_dir", "embedding_path")
    @classmethod
    def _absolute(cls, path: Path | None) -> Path | None:
        return path.expanduser().absolute() if path else path

    @property
    def course_files(self) -> tuple[Path, ...]:
        """The course files of ERICA_COURSES, which is separated like PATH."""
        return tuple(Path(name).expanduser() for name in self.courses.split(os.pathsep) if name.strip())

    @property
    def has_slack(self) -> bool:
        """Whether Slack is configured: one workspace's token, or an app that is installed into several."""
        return self.slack_bot_token is not None or self.slack_client_id is not None

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret, to be kept out of logs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in values if isinstance(value, SecretStr))

    @property
    def models(self) -> tuple[str, ...]:
        """The answering model and its fallbacks, in the order in which they are tried."""
        if not self.model:
            return ()
        fallbacks = (name.strip() for name in self.model_fallbacks.split(","))
        return tuple(dict.fromkeys((self.model, *(name for name in fallbacks if name))))


def read_settings() -> Settings:
    """The settings of this process. Raises ConfigError naming each variable that is wrong, never its value."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"ERICA_{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors(include_input=False)
        )
        raise ConfigError(wrong, "Correct the environment variable and start again.") from error
