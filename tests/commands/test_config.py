"""The configuration: file and environment, and a sentence with the key for whatever is wrong."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from services import config, connections, locations
from services.config import KEYS, VARIABLES, ConfigError, Settings, variable_of
from tests.commands.conftest import ROOT, Steerco

SECRET = "00Dxx!hunter2"


@pytest.fixture
def written(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration file's path; the environment says nothing."""
    monkeypatch.delenv("STEERCO_OPERATOR")
    return locations.config_file()


def test_nothing_given_is_the_sandbox_with_salesforce_on(written: Path) -> None:
    settings = config.load()
    assert settings == Settings()
    assert settings.sandbox
    assert settings.sf_sync_enabled


def test_nothing_given_is_answered_without_the_library_that_reads_settings(written: Path) -> None:
    code = (
        "import sys; from services import config; config.load(); "
        "print('pydantic' in sys.modules, 'asyncio' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["False", "False"]


VALUES = {
    "str": ("Ana", "Ana"),
    "bool": ("true", True),
    "float": ("0.5", 0.5),
    "dict": ('{"app.quit": "f10"}', {"app.quit": "f10"}),
}
SPECIAL = {"zone": "Europe/Paris", "firestore_emulator_host": "127.0.0.1:8080"}


@pytest.mark.parametrize("key", KEYS)
def test_every_key_can_be_given_by_its_environment_variable(
    written: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    kind = next(f.type for f in dataclasses.fields(Settings) if f.name == key)
    text, value = VALUES[str(kind).partition(" ")[0].partition("[")[0]]
    if key in SPECIAL:
        text = value = SPECIAL[key]
    if key.startswith("sf_") and "field" not in key:
        for each in ("SF_CLIENT_ID", "SF_USERNAME", "SF_PRIVATE_KEY_FILE", "SF_INSTANCE_URL"):
            monkeypatch.setenv(each, "given")
    monkeypatch.setenv(variable_of(key), text)
    assert getattr(config.load(), key) == value


def test_the_environment_wins_over_the_file(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written.write_text('operator = "Ana"\nzone = "Asia/Kolkata"\n[keymap]\n"app.quit" = "f10"\n')
    monkeypatch.setenv("STEERCO_OPERATOR", "Ben")
    monkeypatch.setenv("STEERCO_ZONE", "")
    settings = config.load()
    assert (settings.operator, settings.zone) == ("Ben", "Asia/Kolkata")
    assert settings.keymap == {"app.quit": "f10"}


def test_a_variable_of_somebody_else_is_no_setting(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("zone", "ZONE", "THEME", "OPERATOR", "operator"):
        monkeypatch.setenv(name, "somebody else's")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    assert config.load() == Settings(google_cloud_project="p")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('thme = "x"', ["thme", "theme"]),
        ('zone = "Mars/Olympus"', ["zone", "Mars/Olympus"]),
        ("theme = 5", ["theme", "text in quotes"]),
        ('theme = "a\\u001b[31m"', ["theme", "control characters"]),
        ("keymap = 3", ["keymap", "table"]),
        ('itsc_sf_sync_enabled = "maybe"', ["itsc_sf_sync_enabled", "true or false"]),
        ('sf_title_field = "no such name"', ["sf_title_field", "no such name"]),
        ('sf_title_field = "Status__c"', ["sf_title_field", "Status__c"]),
        ("theme = ", ["not sound TOML"]),
        ('\xff = "x"', ["not sound TOML"]),
        (f'sf_access_token = "{SECRET}"', ["sf_access_token", "no place in a file"]),
        (f'SF_ACCESS_TOKEN = "{SECRET}"', ["SF_ACCESS_TOKEN", "no place in a file"]),
        (f'sf_password = "{SECRET}"', ["sf_password", "no place in a file"]),
        (f'sf_private_key = "{SECRET}"', ["sf_private_key", "no place in a file"]),
        ('SF_CLIENT_ID = "x"', ["SF_CLIENT_ID", "sf_client_id"]),
        ('firestore_emulator_host = ""', ["empty"]),
        ('firestore_emulator_host = "10.1.2.3:8080"', ["10.1.2.3", "not this machine"]),
    ],
)
def test_a_wrong_key_or_value_in_the_file_is_one_sentence(
    steerco: Steerco, text: str, says: list[str]
) -> None:
    locations.config_file().write_text(text, encoding="latin-1")
    done = steerco("projects", "list", "--json")
    assert (done.code, done.out) == (1, "")
    for each in says:
        assert each in done.sentence
    assert "hunter2" not in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    ("env", "says"),
    [
        ({"SF_CLIENT_ID": "x"}, ["SF_USERNAME", "SF_PRIVATE_KEY_FILE", "missing"]),
        ({"SF_CLIENT_ID": "x", "SF_USERNAME": "u"}, ["SF_PRIVATE_KEY_FILE", "it is missing"]),
        ({"SF_LOGIN_URL": "https://x"}, ["SF_CLIENT_ID", "SF_USERNAME", "SF_PRIVATE_KEY_FILE"]),
        ({"SF_ACCESS_TOKEN": SECRET}, ["SF_INSTANCE_URL", "missing"]),
        ({"SF_INSTANCE_URL": "https://x"}, ["SF_ACCESS_TOKEN", "missing"]),
        ({"FIRESTORE_EMULATOR_HOST": ""}, ["FIRESTORE_EMULATOR_HOST", "empty"]),
        ({"FIRESTORE_EMULATOR_HOST": "  "}, ["FIRESTORE_EMULATOR_HOST", "empty"]),
        ({"FIRESTORE_EMULATOR_HOST": "10.1.2.3:8080"}, ["10.1.2.3", "not this machine"]),
        ({"FIRESTORE_EMULATOR_HOST": "localhost.evil.example:80"}, ["not this machine"]),
        ({"FIRESTORE_EMULATOR_HOST": "127.0.0.1"}, ["host:port"]),
        ({"ITSC_SF_SYNC_ENABLED": "maybe"}, ["ITSC_SF_SYNC_ENABLED", "true or false"]),
        ({"STEERCO_KEYMAP": "quit"}, ["STEERCO_KEYMAP", "JSON"]),
        ({"SF_ACCESS_TOKEN": SECRET + "\x1b", "SF_INSTANCE_URL": "https://x"}, ["SF_ACCESS_TOKEN"]),
    ],
)
def test_a_wrong_or_half_given_environment_is_one_sentence(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch, env: dict[str, str], says: list[str]
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for argv in (["sync"], ["projects", "list"]):
        done = steerco(*argv)
        assert (done.code, done.out) == (1, "")
        for each in says:
            assert each in done.sentence
        assert "hunter2" not in done.err


def test_an_emulator_elsewhere_is_taken_where_that_is_allowed_in_so_many_words(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.write_text("allow_remote_emulator = true")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "10.1.2.3:8080")
    assert config.load().firestore_emulator_host == "10.1.2.3:8080"


def test_a_secret_is_not_shown_with_the_settings(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_ACCESS_TOKEN", SECRET)
    monkeypatch.setenv("SF_INSTANCE_URL", "https://x")
    settings = config.load()
    assert settings.sf_access_token == SECRET
    assert "hunter2" not in repr(settings)


def test_the_directory_in_place_of_the_file_is_a_sentence(
    steerco: Steerco, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STEERCO_CONFIG", str(tmp_path))
    assert "can't be read" in steerco("projects", "list").sentence


REAL = {"google_cloud_project": "p"}
SALESFORCE = {"sf_instance_url": "https://x", "sf_access_token": "t"}


@pytest.mark.parametrize(
    ("settings", "name", "firestore", "salesforce"),
    [
        (Settings(), "sandbox.db", None, None),
        (Settings(itsc_sf_sync_enabled=False), "sandbox.db", None, connections.SYNC_OFF),
        (Settings(operator="Ana", zone="Asia/Kolkata"), "sandbox.db", None, None),
        (Settings(**REAL), "steerco.db", None, "Salesforce is not configured"),
        (
            Settings(firestore_emulator_host="127.0.0.1:1"),
            "steerco.db",
            None,
            "Salesforce is not configured",
        ),
        (
            Settings(**SALESFORCE),
            "steerco.db",
            "Firestore is not configured",
            connections.SYNC_OFF,
        ),
        (
            Settings(**SALESFORCE, itsc_sf_sync_enabled=True),
            "steerco.db",
            "Firestore is not configured",
            None,
        ),
        (Settings(**REAL, **SALESFORCE), "steerco.db", None, connections.SYNC_OFF),
        (Settings(**REAL, **SALESFORCE, itsc_sf_sync_enabled=True), "steerco.db", None, None),
    ],
)
def test_what_is_not_configured_or_is_off_holds_its_deliveries_with_the_reason(
    settings: Settings, name: str, firestore: str | None, salesforce: str | None
) -> None:
    assert connections.database(settings, Path("/h")) == Path("/h") / name
    gates = connections.gates(settings)
    assert (gates["firestore"].open, gates["firestore"].reason) == (firestore is None, firestore)
    assert (gates["salesforce"].open, gates["salesforce"].reason) == (
        salesforce is None,
        salesforce,
    )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (Settings(sf_instance_url="http://10.0.0.1", sf_access_token=SECRET), "10.0.0.1"),
        (Settings(sf_instance_url="ftp://x", sf_access_token=SECRET), "ftp://x"),
        (
            Settings(sf_client_id="a", sf_username="b", sf_private_key_file="/no/such/key.pem"),
            "SF_PRIVATE_KEY_FILE",
        ),
    ],
)
def test_an_address_that_must_not_be_used_is_refused_before_anything_is_sent(
    settings: Settings, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        connections.connect(settings, tmp_path)
    assert "hunter2" not in str(refused.value)


def test_only_the_asked_for_and_configured_targets_are_opened(tmp_path: Path) -> None:
    real = Settings(firestore_emulator_host="127.0.0.1:1", **SALESFORCE)
    with connections.connect(real, tmp_path, ("firestore",)) as opened:
        assert list(opened.targets) == ["firestore"]
    with connections.connect(Settings(**REAL), tmp_path) as opened:
        assert list(opened.targets) == ["firestore"]


def test_the_platform_says_where_things_are_where_nobody_else_does() -> None:
    assert locations.home({}).name == "steerco"
    assert locations.config_file({}).name == "config.toml"
    assert locations.home({"STEERCO_HOME": "~/x"}) == Path("~/x").expanduser()
    assert locations.home({"STEERCO_HOME": "x"}).is_absolute()


def test_every_variable_has_one_key() -> None:
    assert len(VARIABLES) == len(KEYS)
    assert VARIABLES["SF_CLIENT_ID"] == "sf_client_id"
    assert VARIABLES["ITSC_SF_SYNC_ENABLED"] == "itsc_sf_sync_enabled"
    assert VARIABLES["STEERCO_ZONE"] == "zone"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("reconcile_seconds", "0"),
        ("follow_seconds", "soon"),
        ("debounce_seconds", "-1"),
        ("carry_seconds", "7200"),
        ("salesforce_share", "20"),
    ],
)
def test_a_pace_that_can_t_be_kept_is_refused(
    written: Path, monkeypatch: pytest.MonkeyPatch, key: str, text: str
) -> None:
    monkeypatch.setenv(variable_of(key), text)
    with pytest.raises(config.ConfigError, match=variable_of(key)):
        config.load()
