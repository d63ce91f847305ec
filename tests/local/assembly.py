"""The app as the CDK CLI deploys it, with other settings than those of :mod:`stacks.stages`."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from local_cloud.deployment import CHECKOUT
from stacks.deployment_options import SETTLED, DeploymentOptions

if TYPE_CHECKING:
    from pathlib import Path

    from stacks.settings import StageSettings


def synthesize(stage: StageSettings, assembly: Path, options: DeploymentOptions = SETTLED) -> Path:
    """Synthesize all stacks of ``stage`` into the folder ``assembly`` and return it."""
    # jsii starts Node when it is imported, so that nothing but this needs it.
    os.environ.setdefault("CDK_VALIDATION", "false")
    os.environ.setdefault("JSII_NODE", str(CHECKOUT / ".venv/bin/node"))
    import aws_cdk as cdk  # noqa: PLC0415 - see above

    from stacks.inference_stack import add_stacks  # noqa: PLC0415 - see above

    app = cdk.App(context=json.loads((CHECKOUT / "cdk.json").read_text())["context"], outdir=str(assembly))
    add_stacks(app, stage, options)
    app.synth()
    return assembly
