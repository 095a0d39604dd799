"""Fixtures and settings that all tests share. A missing server is an error, never a skip."""

import sys
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.private_redis import PrivateRedis

# The same examples in every run: a test that fails, fails again. No deadline: the machine may be busy.
settings.register_profile(
    "hotline",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("hotline")


@pytest.fixture(scope="session")
def redis_process() -> Iterator[PrivateRedis]:
    """The session's own Redis server; use `redis_server` unless a test kills it."""
    server = PrivateRedis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_process: PrivateRedis) -> PrivateRedis:
    """A running, empty Redis server on a unix socket: `redis_server.url`."""
    redis_process.flush()
    return redis_process


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Pause measuring for a test marked `unmeasured`. coverage is imported by whoever measures (`tests/coverage_gate.py`), if anybody."""
    coverage = sys.modules.get("coverage")
    measuring = coverage.Coverage.current() if coverage and item.get_closest_marker("unmeasured") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
