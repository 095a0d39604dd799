"""The containers, read as Compose reads them: no Docker engine is needed."""

import importlib.util
import json
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.settings import load_site
from server.settings.files import LimitsFile

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[3]
DOCKER = ROOT / "docker"


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yaml").read_text())
    return found


def environment() -> dict[str, str]:
    lines = [line for line in (DOCKER / ".env").read_text().splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_asterisk_and_redis_may_be_ones_own() -> None:
    """Both are profiles, on by default, and the server is forced to wait for neither."""
    services = compose()["services"]

    assert {name: service.get("profiles") for name, service in services.items()} == {
        "redis": ["redis"],
        "asterisk": ["asterisk"],
        "server": None,
    }
    assert environment()["COMPOSE_PROFILES"].split(",") == ["asterisk", "redis"]
    assert {name: needed["required"] for name, needed in services["server"]["depends_on"].items()} == {"redis": False, "asterisk": False}
    assert all("depends_on" not in services[name] for name in ("redis", "asterisk"))


def test_every_service_has_a_health_check() -> None:
    assert all("healthcheck" in service for service in compose()["services"].values())


def test_the_server_has_more_time_to_stop_than_it_needs() -> None:
    """Longer than limits.drain, by what the end takes: of the default, and of the site that the checkout has."""
    seconds = int(environment()["STOP_WITHIN"].removesuffix("s"))
    drains = [LimitsFile().drain, load_site(ROOT / "config", ROOT / "dialplans").main.limits.drain]

    assert compose()["services"]["server"]["stop_grace_period"] == f"${{STOP_WITHIN:-{seconds}s}}"
    assert seconds >= max(drains) / 1000 + 30


def test_what_compose_asks_for_is_set_beside_it() -> None:
    """Each variable of the file has a line in docker/.env, with the value that is its default there."""
    asked = dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (DOCKER / "compose.yaml").read_text()))

    assert asked.items() <= environment().items()


@pytest.mark.parametrize("name", ["Dockerfile.server", "Dockerfile.asterisk"])
def test_an_image_stays_what_it_is(name: str) -> None:
    """Its base names a release of Debian, packages of Python are pinned by hash, and none is compiled for a Python without a wheel."""
    text = (DOCKER / name).read_text()

    (base,) = re.findall(r"^FROM (\S+)$", text, re.MULTILINE)
    assert re.fullmatch(r"(python:3\.1[2-4]-slim-(bookworm|trixie)|debian:forky-slim)", base)
    assert "--require-hashes --only-binary :all: -r" in text


@pytest.mark.parametrize(("listen", "answers", "code"), [("127.0.0.1", True, 0), ("0.0.0.0", True, 0), ("127.0.0.1", False, 1)])
def test_the_health_check_of_the_server(tmp_path: Path, listen: str, answers: bool, code: int) -> None:
    """It asks where the server of that state folder listens."""

    class Alive(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Alive)
    (tmp_path / "ports.json").write_text(json.dumps({"http": server.server_port}))
    if answers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    else:
        server.server_close()
    done = subprocess.run([sys.executable, DOCKER / "healthy.py", tmp_path, listen], capture_output=True, text=True, timeout=60)
    if answers:
        server.shutdown()
        server.server_close()

    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_health_check_before_the_first_start(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, DOCKER / "healthy.py", tmp_path, "127.0.0.1"], capture_output=True, text=True, timeout=60)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_what_the_images_start_is_a_program_of_ours() -> None:
    """The module behind `-m` of each ENTRYPOINT exists."""
    started = [
        module for file in DOCKER.glob("Dockerfile.*") for module in re.findall(r'^ENTRYPOINT .*"-m", "([a-z_.]+)"', file.read_text(), re.M)
    ]

    assert "server.processes.asterisk_alone" in started
    assert [module for module in started if importlib.util.find_spec(module) is None] == []
