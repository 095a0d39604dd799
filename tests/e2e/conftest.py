"""A site that the tests share, one that a test may have for itself, and a folder kept when something failed."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.e2e.e2e_house import House, OwnSite, open_site

FAILED = pytest.StashKey[bool]()
MEASURED: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that failed keeps its site's folder, and its report says what happened last."""
    report = yield
    if report.failed:  # type: ignore[attr-defined]
        item.session.stash[FAILED] = True
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, House):
                report.sections.append(("events of the site", value.tail(40)))  # type: ignore[attr-defined]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in MEASURED:
        terminalreporter.write_line(line)


@pytest.fixture
def measured() -> list[str]:
    """Lines that the end of the run shows."""
    return MEASURED


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_site(request: pytest.FixtureRequest) -> AsyncIterator[OwnSite]:
    """One site for all tests that leave it as it was."""
    async with open_site(lambda: bool(request.session.stash.get(FAILED, False))) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def house(shared_site: OwnSite) -> AsyncIterator[House]:
    """A visit to the shared site; at the end every call, contact and offer must have had one end."""
    async with House(shared_site) as house:
        yield house


@pytest_asyncio.fixture(loop_scope="session")
async def own_site(request: pytest.FixtureRequest) -> AsyncIterator[OwnSite]:
    """A site for a test that stops it; not started yet."""
    site = OwnSite()
    try:
        yield site
    finally:
        await site.stop()
        site.keep = request.session.stash.get(FAILED, False)
        site.clean()
