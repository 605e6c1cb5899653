"""One provider process for all end-to-end tests, and one gateway for each module."""

from collections.abc import Iterator

import pytest

from tests.endtoend.serving import Served, upstreams
from tests.provider.client import ProviderProcess


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with ProviderProcess(tmp_path_factory.mktemp("provider") / "ledger.jsonl", seed=29) as process:
        yield process


@pytest.fixture(scope="module")
def gateway(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    served = Served(tmp_path_factory.mktemp("gateway") / "home", **upstreams(provider.base_urls))
    for role in ("read", "execute", "admin"):
        served.key(role)
    with served:
        yield served
