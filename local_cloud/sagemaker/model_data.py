"""What a container finds in ``/opt/ml/model``, copied at every launch: an archive, an object or those below a prefix.

Source of the rules for names: the service model's description of ``S3ModelDataSource.CompressionType``.
"""

from __future__ import annotations

import asyncio
import io
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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

_MAX_FILE_NAME_BYTES: Final = 255


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
            await self._copy(folder, S3Location.from_uri(self.model.artefact))
        except (AwsError, BotoCoreError, ClientError, OSError, tarfile.TarError) as error:
            raise ContainerError(f"Failed to download model data from {self.model.artefact}: {error}") from error

    async def _copy(self, folder: Path, location: S3Location) -> None:
        if self.model.artefact_is_prefix:
            await self._copy_objects(folder, location)
        elif self.model.artefact_is_archive:
            await asyncio.to_thread(_extract, await self._read(location), folder)
        else:
            name = location.key.rpartition("/")[2]
            await asyncio.to_thread(_write, folder, name, await self._read(location))

    async def _copy_objects(self, folder: Path, prefix: S3Location) -> None:
        request: dict[str, Any] = {"Bucket": prefix.bucket, "Prefix": prefix.key}
        while True:
            page = await self._call("list_objects_v2", **request)
            for entry in page.get("Contents", ()):
                name = entry["Key"].removeprefix(prefix.key)
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
    if not all(_is_file_name(part) for part in name.split("/")):
        raise ContainerError(f"an object cannot be the file {name!r} below /opt/ml/model")
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _is_file_name(part: str) -> bool:
    return part not in ("", ".", "..") and "\0" not in part and len(part.encode()) <= _MAX_FILE_NAME_BYTES


def _extract(archive: bytes, folder: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
        files.extractall(folder, filter="data")
