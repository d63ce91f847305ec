"""The instance types that SageMaker endpoints can have, as far as the installed boto3 knows."""

from __future__ import annotations

import functools
import re
from typing import Final

from botocore.model import StringShape
from botocore.session import Session


@functools.cache
def known_instance_types() -> frozenset[str]:
    """Return the types in the service model of ``CreateEndpointConfig``; a newer boto3 may know more."""
    shape = Session().get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    if not isinstance(shape, StringShape):
        raise TypeError(f"botocore describes instance types as {shape.type_name}, no text")
    return frozenset(shape.enum)


_WITH_LOCAL_STORAGE: Final = re.compile(
    r"ml\.([cmr]\d[agi]?d[n]?|dl1|g\d+e?(dn)?|p4de?|p5(e|en)?|p6e?-[a-z]+\d+|trn\d+n?|i\d\w*)\."
)
"""Families with local instance storage: those with a ``d`` among their attributes, and accelerators with NVMe disks."""


def has_local_storage(instance_type: str) -> bool:
    """Return whether an instance type has local storage, whose encryption is the hardware's own.

    Source: *Amazon EC2 user guide*, "Instance store volumes". Types that are too new for this table count as those of
    their family.
    """
    return _WITH_LOCAL_STORAGE.match(instance_type) is not None
