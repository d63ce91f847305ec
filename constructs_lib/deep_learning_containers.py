"""AWS's deep-learning containers: the registry of the stack's region, and the image that serves Hugging Face models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk.region_info import FactName

from constructs_lib.container_image import ContainerImage

if TYPE_CHECKING:
    from aws_cdk import Stack

HUGGING_FACE_REPOSITORY: Final = "huggingface-pytorch-inference"
HUGGING_FACE_CPU_TAG: Final = "2.6.0-transformers4.51.3-cpu-py312-ubuntu22.04"
"""The newest inference image for CPU in the image tables of the ``sagemaker`` package 2.257.7; a test compares them."""


def hugging_face_image(stack: Stack) -> ContainerImage:
    """Return the Hugging Face inference image in the registry that serves the stack's region.

    Raises:
        RuntimeError: the CDK's region facts know no such registry for the region that the stack names.
    """
    return ContainerImage(
        account=stack.regional_fact(FactName.DLC_REPOSITORY_ACCOUNT),
        region=stack.region,
        url_suffix=stack.url_suffix,
        repository=HUGGING_FACE_REPOSITORY,
        version=f":{HUGGING_FACE_CPU_TAG}",
    )
