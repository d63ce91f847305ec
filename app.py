"""The CDK app: one stage, named with ``-c stage=…``, and a stack for each of its endpoints."""

import sys

from aws_cdk import App, Validations

from constructs_lib.checks import SettingError
from constructs_lib.compliance import rule_packs
from stacks.deployment_options import DeploymentOptionError, DeploymentOptions
from stacks.inference_stack import add_stacks
from stacks.stages import UnknownSettingError, UnknownStageError, stage_settings

app = App()
try:
    stage = stage_settings(app.node.get_context("stage"))
    add_stacks(app, stage, DeploymentOptions.from_context(app.node))
except (DeploymentOptionError, SettingError, UnknownSettingError, UnknownStageError) as error:
    sys.exit(str(error))
Validations.of(app).add_plugins(*rule_packs(production=stage.production))
app.synth()
