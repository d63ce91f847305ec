"""How SageMaker's runtime is told from its control plane and from S3; beside the bridge the only module that knows.

MiniStack goes by the service that a request is signed for. The runtime is signed like the control plane, but speaks
another protocol; and what is not signed at all is S3's to MiniStack.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNTIME: Final = "sagemaker-runtime"
"""The service that the runtime's requests are routed to; MiniStack knows its protocol by botocore's name of it."""

RUNTIME_PATH: Final = re.compile(
    r"/endpoints/(?P<endpoint>[^/]+)/(?P<operation>async-invocations|invocations|invocations-response-stream)"
)
"""The paths of the runtime's operations, all of them POST."""


def route_runtime() -> None:
    """Route requests of the runtime to :data:`RUNTIME`."""
    app: Any = import_module("ministack.app")
    detect = app.detect_service

    def detect_runtime(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, Any]) -> str:
        # S3 has no POST to a key without a query, so that a bucket may be called "endpoints".
        if "authorization" not in headers and method == "POST" and not query and RUNTIME_PATH.fullmatch(path):
            return RUNTIME
        service: str = detect(method, path, headers, query)
        return RUNTIME if service == "sagemaker" and "x-amz-target" not in headers else service

    app.detect_service = detect_runtime
