"""What MiniStack's Lambda does otherwise than AWS, mended; beside the bridge the only module that knows how."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope


def stop_deleted_functions(scope: Callable[[], Scope]) -> None:
    """Stop the processes of functions whose stack is deleted: MiniStack does so for ``DeleteFunction`` alone."""
    handlers = import_module("ministack.services.cloudformation.provisioners")._RESOURCE_HANDLERS  # noqa: SLF001
    runtime: Any = import_module("ministack.core.lambda_runtime")
    handler = handlers["AWS::Lambda::Function"]
    delete = handler["delete"]

    def delete_and_stop(name: str, properties: Members) -> None:
        delete(name, properties)
        runtime.invalidate_worker(name, account=scope().account, region=scope().region)

    handler["delete"] = delete_and_stop
