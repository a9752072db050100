"""An account of moto's, to deploy a small stage into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.infra.staging import Cloud


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    with mock_aws():
        yield Cloud(tmp_path / "build")
