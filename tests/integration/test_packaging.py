"""Wheel and editable install both start, with their templates; so does `flask --app app`."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.commands import ROOT
from tests.serving import new_instance, serving


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built and unpacked into a folder of its own."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([*pip, *build], check=True)
    (wheel,) = folder.glob("*.whl")
    target = folder / "installed"
    subprocess.run([*pip, "install", "--no-deps", "--target", str(target), str(wheel)], check=True)
    return target


def test_the_wheel_serves_its_templates_and_pages(installed: Path, tmp_path: Path) -> None:
    instance = new_instance(tmp_path, content=str(tmp_path / "content"))
    instance.environment["PYTHONPATH"] = str(installed)
    with contextlib.chdir(tmp_path), serving(instance) as served:
        for address, words in (
            ("", "Thought leadership is"),
            ("about/", "<h1"),
            ("answer/thought-leadership", "Your words"),
            ("desk/sign-in", "Password"),
        ):
            assert words in read(served.base + address), address
    assert (tmp_path / "content" / "pages" / "about.md").exists()


def test_the_wheel_runs_its_own_code(installed: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import app, web, publisher; print(app.__file__, web.__file__)"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert all(path.startswith(str(installed)) for path in done.stdout.split())


def test_flask_finds_the_application(tmp_path: Path) -> None:
    instance = new_instance(tmp_path, content=str(tmp_path / "content"))
    _, environment = instance.command()
    port = instance.environment["DEFINEDBY_PORT"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "app", "run", "--port", port],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert "Password" in read(f"http://127.0.0.1:{port}/desk/sign-in")
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_the_console_script_is_the_same_command() -> None:
    script = Path(sys.executable).parent / "definedby"
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "serve" in done.stdout


def read(address: str) -> str:
    """The page, once something answers at all."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        try:
            with opener.open(address, timeout=10) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {address}")
