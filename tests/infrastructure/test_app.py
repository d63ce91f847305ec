"""The app as the CLI runs it: offline, without credentials, the same bytes everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = ("app.py", "cdk.json", "stacks", "constructs_lib", "async_inference", "lambda_src")


def _synthesize(folder: Path, output: Path, *, stage: str, hash_seed: int = 0) -> subprocess.CompletedProcess[str]:
    """Run ``cdk synth`` with no credentials and no way to any network; the library's own validation is on."""
    environment = {
        "PATH": f"{CHECKOUT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(output.parent),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "PYTHONHASHSEED": str(hash_seed),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }
    command = ["cdk", "synth", "--no-notices", "--context", f"stage={stage}", "--output", str(output)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_synthesis_is_the_same_from_another_folder_under_another_hash_seed(tmp_path: Path) -> None:
    """What is printed, templates, manifests, reports and bundles are equal byte for byte."""
    other = tmp_path / "another-folder"
    other.mkdir()
    for source in SOURCES:
        copy = shutil.copytree if (CHECKOUT / source).is_dir() else shutil.copy
        copy(CHECKOUT / source, other / source)

    printed, assemblies = [], []
    for folder, hash_seed in ((CHECKOUT, 1), (other, 2)):
        output = tmp_path / f"assembly-{hash_seed}"
        run = _synthesize(folder, output, stage="dev", hash_seed=hash_seed)
        assert run.returncode == 0, run.stderr
        printed.append(run.stdout)
        assemblies.append({path.relative_to(output): path.read_bytes() for path in output.rglob("*") if path.is_file()})

    assert "AWS::SageMaker::Endpoint" in printed[0]
    assert printed[0] == printed[1]
    assert assemblies[0].keys() == assemblies[1].keys()
    assert [path for path, content in assemblies[0].items() if content != assemblies[1][path]] == []


@pytest.mark.parametrize("stage", ["nonsense", ""])
def test_unknown_stage_is_one_line(tmp_path: Path, stage: str) -> None:
    """The app says which stages there are, without a traceback, and writes no template."""
    run = _synthesize(CHECKOUT, tmp_path / "assembly", stage=stage)

    assert run.returncode == 1
    assert run.stderr.splitlines()[0] == f"stage is {stage!r}, allowed is one of local, dev, prod: -c stage=dev"
    assert "Traceback" not in run.stderr
    assert list((tmp_path / "assembly").glob("*.json")) == []
