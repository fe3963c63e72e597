"""`definedby serve`: starts once, repeats nothing, ends cleanly, leaves nobody behind."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from tests.serving import children_of, first_line, new_instance, serving, wait_for


def test_a_second_start_repeats_nothing(tmp_path: Path) -> None:
    instance = new_instance(tmp_path)
    with serving(instance) as served:
        assert "/welcome/" in served.line
        before = instance.run("campaign", "list", "--json").stdout
    with serving(instance):
        assert instance.run("campaign", "list", "--json").stdout == before
    assert before.count('"slug"') == 1


def test_healthz_answers_once_the_app_can_serve(tmp_path: Path) -> None:
    with serving(new_instance(tmp_path)) as served:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{served.base}healthz") as answer:
            assert answer.status == 200
            assert json.load(answer) == {"status": "ok"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_everything(tmp_path: Path, number: signal.Signals) -> None:
    with serving(new_instance(tmp_path)) as served:
        children = children_of(served.process.pid)
        assert len(children) == 2
        served.process.send_signal(number)
        assert served.process.wait(30) == 0
        assert not any(Path(f"/proc/{child}").exists() for child in children)


def test_a_supervisor_that_was_killed_leaves_nobody_behind(tmp_path: Path) -> None:
    instance = new_instance(tmp_path)
    log = tmp_path / "serve.log"
    log.write_text("")
    process = instance.start("serve", log=log)
    wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
    children = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    until = time.monotonic() + 30
    while any(alive(child) for child in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert [child for child in children if alive(child)] == []


def test_a_web_server_that_died_ends_the_command_with_an_error(tmp_path: Path) -> None:
    instance = new_instance(tmp_path)
    log = tmp_path / "serve.log"
    log.write_text("")
    process = instance.start("serve", log=log)
    wait_for(lambda: first_line(log, "Definedby is at"), process=process, log=log)
    # By what they are not: a web server may call itself by another name.
    webs = set(children_of(process.pid)) - set(children_of(process.pid, "worker"))
    assert webs
    for web in webs:
        os.kill(web, signal.SIGKILL)
    assert process.wait(30) != 0
    assert children_of(process.pid) == []


def alive(pid: int) -> bool:
    """Running, and not just waiting to be reaped."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
