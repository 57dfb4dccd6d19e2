"""Reading the settings from the file and the environment, with one sentence for what is wrong."""

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import AfterValidator, Field, ValidationError, create_model
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from services.config import KEYS, SECRETS, VARIABLES, ConfigError, Settings, variable_of, zone_named
from store.canon import shown

_SECRET_WORDS = ("token", "secret", "password", "passphrase", "private_key")


def read(path: Path) -> Settings:
    """The settings of the file at ``path`` (which need not exist), overridden by the environment.

    Raises ConfigError.
    """
    written = _read_file(path)
    _refuse_keys(written, path)
    try:
        found = _MODEL(**written)
    except SettingsError as error:
        raise ConfigError(
            f'{variable_of("keymap")} must be a table written as JSON, such as {{"quit": "ctrl+q"}}'
        ) from error
    except ValidationError as error:
        raise _explained(error, path) from None  # the cause holds every value, secrets included
    return Settings(**{key: getattr(found, key) for key in KEYS})


class _Sources(BaseSettings):
    model_config = SettingsConfigDict(
        case_sensitive=True,
        env_ignore_empty=True,
        env_prefix="STEERCO_",
        extra="forbid",
        populate_by_name=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before the file, whose keys are the keyword arguments."""
        return env_settings, init_settings


def _one_line(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("it must be one line without control characters")
    return value


def _zone(value: str) -> str:
    zone_named(value)
    return value


def _seconds(value: float) -> float:
    if not 0.1 <= value <= 86_400:
        raise ValueError("it is a number of seconds, from 0.1 to 86400")
    return value


def _delay(value: float) -> float:
    if not 0 <= value <= 3_600:
        raise ValueError("it is a number of seconds, from 0 to 3600")
    return value


def _share(value: float) -> float:
    if not 0 < value <= 1:
        raise ValueError("it is a part of the whole, above 0 and up to 1")
    return value


_RULES: dict[str, Callable[[Any], Any]] = {
    "zone": _zone,
    "follow_seconds": _seconds,
    "reconcile_seconds": _seconds,
    "tickets_seconds": _seconds,
    "debounce_seconds": _delay,
    "carry_seconds": _delay,
    "salesforce_share": _share,
}


def _build() -> type[_Sources]:
    hints = get_type_hints(Settings, include_extras=True)
    defined: dict[str, Any] = {}
    for each in dataclasses.fields(Settings):
        rule = AfterValidator(_RULES.get(each.name, _one_line))
        made = each.default_factory is not dataclasses.MISSING
        default: dict[str, Any] = (
            {"default_factory": each.default_factory} if made else {"default": each.default}
        )
        about = Field(validation_alias=variable_of(each.name), **default)
        defined[each.name] = (hints[each.name], about)
        about.metadata.append(rule)
    return create_model("Sources", __base__=_Sources, **defined)


_MODEL = _build()


def _read_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not sound TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error


def _refuse_keys(written: dict[str, Any], path: Path) -> None:
    for key in written:
        name = key.lower()
        if name in KEYS and name not in SECRETS and key == name:
            continue
        if name in SECRETS or (name not in KEYS and any(word in name for word in _SECRET_WORDS)):
            instead = f" and set {variable_of(name)} in the environment" if name in SECRETS else ""
            raise ConfigError(
                f"{shown(key)} in {path} is a secret and has no place in a file; "
                f"take it out{instead}"
            )
        close = difflib.get_close_matches(name, KEYS, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; keys are {', '.join(KEYS)}"
        raise ConfigError(f"there is no key {shown(key)} ({path}){hint}")


def _explained(error: ValidationError, path: Path) -> ConfigError:
    """The first thing that is wrong, with where it stands; the value is not shown for a secret."""
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    key = VARIABLES.get(name, name)
    where = variable_of(key) if os.environ.get(variable_of(key)) else f"{key} in {path}"
    value = "" if key in SECRETS else f" {shown(str(first['input']))}"
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return ConfigError(f"{where}:{value} is not allowed; {_WORDS.get(first['type'], reason)}")


_WORDS = {
    "bool_parsing": "answer true or false",
    "bool_type": "answer true or false",
    "string_type": "it must be text in quotes",
    "float_parsing": "it must be a number",
    "float_type": "it must be a number",
    "dict_type": "it must be a table of texts",
}
