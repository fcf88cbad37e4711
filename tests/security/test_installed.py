"""What an installation consists of: locked packages, a key of its own, no debugger, jobs that name a run."""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

import pytest
from redis import Redis

from tests.launch.launched import ROOT
from webapp import config, create_app
from webapp.config import Settings
from webapp.queue import JobQueue


@pytest.mark.security("C30")
@pytest.mark.parametrize("name", ["requirements.lock", "requirements-uv.lock"])
def test_every_package_is_locked_by_its_hash(name: str) -> None:
    lines = (ROOT / name).read_text().replace("\\\n", " ").splitlines()
    packages = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert packages
    for package in packages:
        assert re.match(r"[\w.\[\]-]+==[\w.]+", package), package
        assert "--hash=sha256:" in package, package
    setup = (ROOT / "bin/setup").read_text()
    assert (
        f"--require-hashes --only-binary :all: -r {name}" in setup or f"--require-hashes -r {name}" in setup
    )


@pytest.mark.security("C15")
def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    keys = {config.load({"MAILRUN_HOME": str(tmp_path / name)}).secret_key for name in ("one", "two")}
    assert len(keys) == 2


@pytest.mark.security("C26")
def test_no_variable_turns_a_debugger_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> str:
        raise RuntimeError("secret inside")

    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(settings)
    app.extensions["any user"] = [True]
    [open_to_all] = [rule.endpoint for rule in app.url_map.iter_rules() if rule.rule == "/healthz"]
    vars(broken).update(vars(app.view_functions[open_to_all]))  # it stays open to everyone
    app.view_functions[open_to_all] = broken
    answer = app.test_client().get("/healthz")
    assert (app.debug, answer.status_code) == (False, 500)
    assert re.search(r"\b[0-9a-f]{8}\b", answer.text)
    assert "secret inside" not in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.security("C19")
def test_a_job_is_the_name_of_a_function_and_an_id(redis_url: str) -> None:
    queue, redis = JobQueue(redis_url), Redis.from_url(redis_url)
    jobs = [queue.enqueue_drain(7), queue.enqueue_generation(8), queue.enqueue_import(9)]
    for job, id in zip(jobs, (7, 8, 9), strict=True):
        kept: dict[bytes, bytes] = redis.hgetall(f"rq:job:{job}")  # type: ignore[assignment]
        name, instance, args, kwargs = json.loads(zlib.decompress(kept[b"data"]))
        assert re.fullmatch(r"jobs\.\w+\.\w+", name)
        assert (instance, args, kwargs) == (None, [id], {})
