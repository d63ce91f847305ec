"""What a container finds in ``/opt/ml/model``, copied at every launch: an archive in S3, or objects below a prefix."""

from __future__ import annotations

import asyncio
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.errors import AwsError
from local_cloud.sagemaker.container_specification import ContainerError
from local_cloud.sagemaker.locations import S3Location

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from local_cloud.aws_clients import AwsClients
    from local_cloud.sagemaker.resources import Model
    from local_cloud.scope import Scope


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelData:
    """The files of a model.

    Attributes:
        clients: of S3.
        scope: of the model.
        model: whose execution role reads them.
    """

    clients: AwsClients
    scope: Scope
    model: Model

    async def copy_to(self, folder: Path) -> None:
        """Fill ``folder`` with the model's files; it stays empty for an image that brings all along.

        Raises:
            ContainerError: they cannot be read, or are no archive.
        """
        if not self.model.artefact:
            return
        try:
            await (self._copy_objects(folder) if self.model.artefact_is_prefix else self._unpack(folder))
        except (AwsError, BotoCoreError, ClientError, OSError, tarfile.TarError) as error:
            raise ContainerError(f"Failed to download model data from {self.model.artefact}: {error}") from error

    async def _unpack(self, folder: Path) -> None:
        archive = await self._read(S3Location.from_uri(str(self.model.artefact)))
        await asyncio.to_thread(_extract, archive, folder)

    async def _copy_objects(self, folder: Path) -> None:
        prefix = S3Location.from_uri(str(self.model.artefact))
        request: dict[str, Any] = {"Bucket": prefix.bucket, "Prefix": prefix.key}
        while True:
            page = await self._call("list_objects_v2", **request)
            for entry in page.get("Contents", ()):
                name = entry["Key"].removeprefix(prefix.key).lstrip("/")
                content = await self._read(S3Location(prefix.bucket, entry["Key"]))
                await asyncio.to_thread(_write, folder, name, content)
            if not page.get("IsTruncated"):
                return
            request["ContinuationToken"] = page["NextContinuationToken"]

    async def _read(self, location: S3Location) -> bytes:
        content: bytes = (await self._call("get_object", Bucket=location.bucket, Key=location.key))["Body"]
        return content

    async def _call(self, operation: str, **members: object) -> dict[str, Any]:
        return await self.clients.call(self.scope, "s3", operation, role_arn=self.model.role_arn, **members)


def _write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ContainerError(f"the object {name} would lie outside of /opt/ml/model")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _extract(archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        files.extractall(folder, filter="data")
