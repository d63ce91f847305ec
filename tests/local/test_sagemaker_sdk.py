"""AWS's own SDK for SageMaker, unmodified, from an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local_cloud.container_commands import REPOSITORY
from tests.local.sagemaker_calls import ROLE

if TYPE_CHECKING:
    from local_cloud.process import RunningLocalCloud

PYTHON = REPOSITORY / ".venv-peers" / "bin" / "python"
CLIENT = Path(__file__).with_name("sagemaker_sdk_client.py")


@pytest.mark.skipif(not PYTHON.exists(), reason="the SageMaker SDK is not installed: run make setup")
def test_the_sdk_deploys_submits_and_waits(slower_cloud: RunningLocalCloud, echo_image: str, tmp_path: Path) -> None:
    """Success at once and later, a model's failure as the SDK's exception, describe."""
    run = subprocess.run(
        [str(PYTHON), str(CLIENT), echo_image, ROLE],
        env={**os.environ, **slower_cloud.environment, "HOME": str(tmp_path), "SAGEMAKER_SUPPRESS_V2_WARNING": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout.splitlines()[-1])
    assert (report["waited"], report["later"], report["status"]) == ("waited", "later", "InService")
    assert "raw" in report["failure"]
