"""The app as the CLI runs it: offline, without credentials, the same bytes everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SOURCES = ("app.py", "cdk.json", "stacks", "constructs_lib", "async_inference", "lambda_src")


def _environment(home: Path) -> dict[str, str]:
    """Return an environment with no credentials and no way to any network; the library's own validation is on."""
    return {
        "PATH": f"{CHECKOUT / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def _synthesize(folder: Path, output: Path, *, stage: str, hash_seed: int) -> subprocess.CompletedProcess[str]:
    """Run ``cdk synth``."""
    environment = _environment(output.parent) | {"PYTHONHASHSEED": str(hash_seed)}
    command = ["cdk", "synth", "--no-notices", "--context", f"stage={stage}", "--context", "scaling=on"]
    command += ["--output", str(output)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _run_app(output: Path, *, stage: str) -> subprocess.CompletedProcess[str]:
    """Run the command of cdk.json as the CLI does, without the seconds that the CLI itself takes."""
    told = {"CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps({"stage": stage})}
    command = ["bash", "-c", json.loads((CHECKOUT / "cdk.json").read_text())["app"]]
    environment = _environment(output.parent) | told
    return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)


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
    """The app says which stages there are, without a traceback, and writes no template.

    That the CLI passes the line on shows in ``test_failed_deployment_says_what_the_cli_said``.
    """
    run = _run_app(tmp_path / "assembly", stage=stage)

    line = f"stage is {stage!r}, allowed is one of local, dev, prod: -c stage=dev\n"
    assert (1, "", line) == (run.returncode, run.stdout, run.stderr)
    assert list(tmp_path.glob("assembly/*")) == []
