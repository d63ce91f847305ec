"""Recorded batches: any number of inputs, worked on until each has exactly one result, across crashes and machines.

::

    batch = endpoint.batch(sorted(Path("pages").glob("*.png")))     # everything is in S3, nothing is submitted
    summary = batch.run(results=Path("results"))                    # killed in the middle ...
    summary = endpoint.resume(batch.id).run(results=Path("results"))  # ... and gone on with, anywhere

What is promised, and why it holds, is said in :mod:`async_inference.batches.journal`.
"""

from async_inference.batches.batch import LONG_POLL_SECONDS, Batch, find
from async_inference.batches.context import Context
from async_inference.batches.inputs import BatchItem
from async_inference.batches.options import BatchOptions, OnUnknown, Options
from async_inference.batches.recording import record
from async_inference.batches.summary import BatchProgress, BatchSummary

__all__ = [
    "LONG_POLL_SECONDS",
    "Batch",
    "BatchItem",
    "BatchOptions",
    "BatchProgress",
    "BatchSummary",
    "Context",
    "OnUnknown",
    "Options",
    "find",
    "record",
]
