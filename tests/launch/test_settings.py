"""What settings may be: whatever cannot work is refused in words, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from webapp import config
from webapp.errors import SettingError


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("MAILRUN_GIVE_UP", "999999999999999", "MAILRUN_GIVE_UP is 999999999999999; .* at most 31536000"),
        ("MAILRUN_RETRY_FIRST", "1e300", "at most 31536000"),
        ("MAILRUN_LEASE", "inf", "at most 31536000"),
        ("MAILRUN_LEASE", "nan", "at least 0.5"),
        ("MAILRUN_KEEP_MAILS", "1e300", "at most 36500"),
        ("MAILRUN_PORT", "8.5", "a whole number"),
        ("MAILRUN_PORT", "65536", "at most 65535"),
        ("MAILRUN_WORKERS", "100000", "at most 1000"),
        ("MAILRUN_DATABASE_URL", "foo", "must begin with sqlite:///"),
        ("MAILRUN_DATABASE_URL", "mysql://x/y", "must begin with sqlite:///"),
        ("MAILRUN_REDIS_URL", "foo", "MAILRUN_REDIS_URL is 'foo'; it must begin with redis://"),
        ("MAILRUN_BCC_DOMAINS", "a.example, @b.example", "has .@b.example.; it must be names of domains"),
        ("MAILRUN_HOME", "/dev/null", "MAILRUN_HOME is /dev/null; it cannot be made"),
    ],
)
def test_what_cannot_work_is_refused_in_words(tmp_path: Path, name: str, given: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        config.load({"MAILRUN_HOME": str(tmp_path), name: given})


@pytest.mark.security("C15")
def test_f12_a_secret_key_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    home = {"MAILRUN_HOME": str(tmp_path)}
    with pytest.raises(SettingError, match="has 31 characters; it must have at least 32"):
        config.load({**home, "MAILRUN_SECRET_KEY": "x" * 31})
    assert config.load({**home, "MAILRUN_SECRET_KEY": "x" * 32}).secret_key == "x" * 32


@pytest.mark.security("C15")
def test_a_key_is_made_once(tmp_path: Path) -> None:
    environ = {"MAILRUN_HOME": str(tmp_path)}
    key = config.load(environ).secret_key
    assert len(key) > 40
    assert config.load(environ).secret_key == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.security("C15")
def test_an_empty_key_is_none(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(SettingError, match="secret_key is empty"):
        config.load({"MAILRUN_HOME": str(tmp_path)})
