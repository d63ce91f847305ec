"""Which namespace a request names is known in the protocols that clients of CloudWatch speak."""

from __future__ import annotations

import cbor2
import pytest

from local_cloud.ministack_iam import metric_namespace


@pytest.mark.parametrize(
    ("body", "namespace"),
    [
        (b'{"Namespace": "AsyncInference", "MetricData": []}', "AsyncInference"),
        (cbor2.dumps({"Namespace": "AsyncInference", "MetricData": []}), "AsyncInference"),
        (b"Action=PutMetricData&Namespace=AWS%2FShop&Version=2010-08-01", "AWS/Shop"),
        (b'{"MetricData": []}', None),
        (b'{"MetricData": [', None),
        (b"Action=PutMetricData", None),
        (b"\xa1", None),
        (b"\xff\xff", None),
        (b"", None),
    ],
)
def test_the_namespace_is_read_in_every_protocol(body: bytes, namespace: str | None) -> None:
    """A request that names none fulfils no condition on it."""
    assert metric_namespace(body) == namespace
