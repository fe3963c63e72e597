"""A missing server is never passed over in silence."""

from __future__ import annotations

import pytest

from tests.servers import fixtures


def test_a_missing_server_skips_out_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="NOT TESTED HERE: no smtpd"):
        fixtures.need("no smtpd")


def test_a_missing_server_fails_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no smtpd"):
        fixtures.need("no smtpd")


def test_a_server_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    fixtures.need("")
