"""The boto3 clients that the library talks through, with their retries pinned.

botocore's default retries differ between its versions, and a retried ``InvokeEndpointAsync`` is a second inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from async_inference.exceptions import ConfigurationError

if TYPE_CHECKING:
    from boto3 import Session
    from boto3.s3.transfer import TransferConfig
    from botocore.client import BaseClient
    from types_boto3_cloudwatch import CloudWatchClient
    from types_boto3_s3 import S3Client
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from types_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS: Final = 5
S3_READ_TIMEOUT_SECONDS: Final = 10
"""The longest silence of S3 that is borne: it answers in well under a second, and asking again costs nothing."""

SUBMIT_READ_TIMEOUT_SECONDS: Final = 20
"""The longest silence of SageMaker that is borne: it only queues the request, and a submission that it does not answer
must not be sent again."""

QUEUE_READ_TIMEOUT_SECONDS: Final = 30
"""The longest silence of SQS that is borne: a request may wait 20 seconds for messages."""

METRICS_CONNECT_TIMEOUT_SECONDS: Final = 1
METRICS_READ_TIMEOUT_SECONDS: Final = 2
"""The longest silence of CloudWatch that is borne: those who publish have a job to wait for, and publish again."""

UPLOAD_ATTEMPTS: Final = 5
"""Of each part of an upload: parts are idempotent, so botocore repeats them, and nothing of ours does."""

UPLOAD_PART_BYTES: Final = 5 * 1024 * 1024
"""Of a large upload: the smallest that S3 takes, except for the last (S3 user guide, multipart upload limits)."""

UPLOAD_PARTS_IN_MEMORY: Final = 3
"""Of a stream, which can be read but once, so that each part is held until S3 has it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """The boto3 clients of one endpoint.

    Pass your own where the default credentials will not do; :meth:`connect` shows how each is configured.

    Raises:
        ConfigurationError: a client whose calls the library itself repeats would repeat them too.

    Example:
        >>> clients = Clients.connect("eu-west-1")
        >>> endpoint = AsyncEndpoint(configuration, clients=clients)
    """

    sagemaker_runtime: SageMakerRuntimeClient
    """Submits, without retries."""

    s3: S3Client
    """Reads results, without retries."""

    s3_uploads: S3Client
    """Uploads payloads, with botocore's retries."""

    sqs: SQSClient | None = None
    """Receives notices, without retries; needed only where the endpoint is used as a consumer."""

    cloudwatch: CloudWatchClient | None = None
    """Publishes how many jobs are waited for, without retries; used only where the endpoint counts jobs in flight, and
    without it the endpoint may rest while they run."""

    def __post_init__(self) -> None:
        for name in ("sagemaker_runtime", "s3", "sqs", "cloudwatch"):
            client: BaseClient | None = getattr(self, name)
            if client is not None and _attempts(client) != 1:
                raise ConfigurationError(
                    f"clients: {name} retries on its own: make it with Config(retries={{'total_max_attempts': 1}})"
                )

    @classmethod
    def connect(
        cls, region: str, session: Session | None = None, *, sqs: bool = False, cloudwatch: bool = False
    ) -> Clients:
        """Return clients for ``region`` of ``session``, by default with the caller's default credentials.

        Args:
            region: Where the endpoint is.
            session: What to make them of.
            sqs: Whether to make the one for notices too.
            cloudwatch: Whether to make the one for metrics too.
        """
        # Imported here because it takes longer than everything else that a program needs to describe its requests.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        session = session or boto3.Session()
        once = Config(connect_timeout=CONNECT_TIMEOUT_SECONDS, retries={"mode": "standard", "total_max_attempts": 1})
        submits = once.merge(Config(read_timeout=SUBMIT_READ_TIMEOUT_SECONDS))
        reads = once.merge(Config(read_timeout=S3_READ_TIMEOUT_SECONDS))
        waits = once.merge(Config(read_timeout=QUEUE_READ_TIMEOUT_SECONDS))
        metrics = once.merge(
            Config(connect_timeout=METRICS_CONNECT_TIMEOUT_SECONDS, read_timeout=METRICS_READ_TIMEOUT_SECONDS)
        )
        uploads = once.merge(Config(retries={"mode": "standard", "total_max_attempts": UPLOAD_ATTEMPTS}))
        return cls(
            sagemaker_runtime=session.client("sagemaker-runtime", region_name=region, config=submits),
            s3=session.client("s3", region_name=region, config=reads),
            s3_uploads=session.client("s3", region_name=region, config=uploads),
            sqs=session.client("sqs", region_name=region, config=waits) if sqs else None,
            cloudwatch=session.client("cloudwatch", region_name=region, config=metrics) if cloudwatch else None,
        )

    def close(self) -> None:
        """Close the connections of all of them."""
        for client in (self.sagemaker_runtime, self.s3, self.s3_uploads, self.sqs, self.cloudwatch):
            if client is not None:
                client.close()


def _attempts(client: BaseClient) -> int | None:
    retries: dict[str, Any] | None = getattr(client.meta.config, "retries", None)
    return (retries or {}).get("total_max_attempts")


def upload_configuration() -> TransferConfig:
    """Return how large payloads are uploaded: in constant memory, whatever they come from."""
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - boto3 loads with the first client

    configuration = TransferConfig(
        multipart_chunksize=UPLOAD_PART_BYTES,
        # The alternative, which boto3 picks where it is installed, brings its own retries.
        preferred_transfer_client="classic",
    )
    # An option of s3transfer that boto3 does not pass on; its default of ten parts is more than streaming needs.
    configuration.max_in_memory_upload_chunks = UPLOAD_PARTS_IN_MEMORY
    return configuration
