"""Settings: where they come from, and a sentence with a next step for each way to get one wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.errors import Exit, SettingError
from ledger.settings import FILE_NAME, Settings, load_settings, origins


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    path = home / "definedby.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name: str) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_given_wins_over_environment_over_file_over_default(tmp_path: Path) -> None:
    write(tmp_path, 'title = "from file"\nport = 1001\nasker = "file"')
    environ = {"DEFINEDBY_TITLE": "from env", "DEFINEDBY_PORT": "1002", "OTHER": "x"}
    environ["DEFINEDBY_HOME"] = str(tmp_path)
    found = load_settings(environ, port=1003)
    assert (found.title, found.port, found.asker, found.host) == (
        *("from env", 1003),
        *("file", "127.0.0.1"),
    )
    origin = origins(environ)
    assert (origin["title"], origin["asker"], origin["host"], origin["home"]) == (
        *("environment", "file"),
        *("default", "environment"),
    )
    assert set(origin) == set(Settings.model_fields)


def test_an_unknown_variable_is_named_with_the_likely_one() -> None:
    with pytest.raises(SettingError) as caught:
        load_settings({"DEFINEDBY_POTR": "1"})
    assert caught.value.what == "There is no setting for the environment variable DEFINEDBY_POTR."
    assert "Did you mean DEFINEDBY_PORT?" in caught.value.next_step
    assert caught.value.exit_code is Exit.USAGE


def test_an_unknown_name_in_the_file_is_named_with_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "colour = 'red'")
    with pytest.raises(SettingError) as caught:
        load_settings({}, home=tmp_path)
    assert f"'colour' in {path}" in caught.value.what
    assert "definedby settings" in caught.value.next_step


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "0", "greater than or equal to 1"),
        ("PORT", "65536", "less than or equal to 65535"),
        ("REQUEST_DAYS", "-1", "greater than or equal to 1"),
        ("LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("LOG_FORMAT", "xml", "'text' or 'json'"),
        ("DEMO", "perhaps", "valid boolean"),
        ("BASE_URL", "blog.example", "whole address"),
        ("BASE_URL", "ftp://blog.example", "whole address"),
        ("BASE_URL", "http://blog.example", "https://"),
        ("BASE_URL", "https://blog.example/sub", "host of its own"),
        ("BASE_URL", "https://blog.example/?a=b", "whole address"),
        ("BASE_URL", "https://blog.example/#top", "whole address"),
        ("BASE_URL", "https://ada:secret@blog.example", "whole address"),
        ("BASE_URL", "https://blog.example:99999", "ort"),
        ("BASE_URL", "https://[blog.example", "IPv6"),
    ],
)
def test_a_malformed_value_is_named_with_its_fix(name: str, value: str, complaint: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings({f"DEFINEDBY_{name}": value})
    assert caught.value.what.startswith(f"DEFINEDBY_{name} is '{value}', which can't be used: ")
    assert complaint in caught.value.what
    assert "definedby settings" in caught.value.next_step
    description = Settings.model_fields[name.lower()].description
    assert description
    assert description in caught.value.next_step


def test_a_malformed_value_in_the_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, "port = 'many'")
    with pytest.raises(SettingError, match="The setting port is 'many'"):
        load_settings({}, home=tmp_path)


def test_the_file_can_not_say_where_it_lies(tmp_path: Path) -> None:
    write(tmp_path, "home = '/elsewhere'")
    with pytest.raises(SettingError, match="DEFINEDBY_HOME"):
        load_settings({}, home=tmp_path)


@pytest.mark.parametrize("text", ["port = ", "port 8000", "[", 'title = "half'])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingError, match="can't be read") as caught:
        load_settings({}, home=tmp_path)
    assert str(path) in caught.value.what
    assert "NAME = value" in caught.value.next_step


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "definedby.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(SettingError, match="can't be read"):
        load_settings({}, home=tmp_path)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "definedby.toml").mkdir()
    with pytest.raises(SettingError, match="can't be opened"):
        load_settings({}, home=tmp_path)


def test_a_file_in_place_of_the_instance_folder_is_named(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()
    with pytest.raises(SettingError, match="is not a folder") as caught:
        load_settings({"DEFINEDBY_HOME": str(home)})
    assert "DEFINEDBY_HOME" in caught.value.next_step


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    # A folder of that name refuses everybody, root included.
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SettingError, match="can't be opened"):
        load_settings({}, home=tmp_path)


@pytest.mark.parametrize(
    ("given", "database"),
    [
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("sqlite:////srv/a.sqlite", "sqlite:////srv/a.sqlite"),
    ],
)
def test_both_spellings_of_postgresql_work(given: str, database: str) -> None:
    assert load_settings({"DEFINEDBY_DATABASE_URL": given}).database == database


def test_addresses(tmp_path: Path) -> None:
    assert load_settings({}, host="::1", port=81).public_url == "http://[::1]:81"
    assert load_settings({}, base_url="https://blog.example/").public_url == "https://blog.example"
    assert load_settings({}, base_url="http://localhost:5").public_url == "http://localhost:5"
    assert load_settings({}, home=tmp_path).site_folder == tmp_path / "site"
    assert load_settings({}, site=tmp_path / "www").site_folder == tmp_path / "www"
