"""The instance types that SageMaker endpoints can have, as far as the installed boto3 knows."""

from __future__ import annotations

import functools

from botocore.model import StringShape
from botocore.session import Session


@functools.cache
def known_instance_types() -> frozenset[str]:
    """Return the types in the service model of ``CreateEndpointConfig``; a newer boto3 may know more."""
    shape = Session().get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    if not isinstance(shape, StringShape):
        raise TypeError(f"botocore describes instance types as {shape.type_name}, no text")
    return frozenset(shape.enum)
