"""What AWS does not document about asynchronous inference, decided once and named.

Each decision is the one that flatters this project least where more than one is plausible; a client that depends on a
kinder one would break on AWS. Those that are a value stand below; those that are a behaviour are these:

* ``Filename`` and ``S3OutputPathExtension`` name the output alone; the failure keeps its generated name. A name that is
  used again overwrites (:mod:`local_cloud.sagemaker.locations`).
* A request whose time to live has passed leaves neither object nor notification, only ``ExpiredRequests``
  (:mod:`local_cloud.sagemaker.endpoint`).
* An instance that scale-in, an update or a deletion removes is stopped at once, and what runs on it fails. The oldest
  instances go first, whether they work or not (:mod:`local_cloud.sagemaker.fleet`).
* A request that the container does not answer in time fails as if the container had died; the container is left to
  finish, and takes the next request meanwhile (:mod:`local_cloud.sagemaker.container_process`).
* Where there is no response, the failure object holds the reason. An output that cannot be stored is a failure without
  an object (:mod:`local_cloud.sagemaker.invocation`).
* While an endpoint is created, updated or scaled, scaling policies have no effect
  (:mod:`local_cloud.application_autoscaling.scaling`).
"""

from __future__ import annotations

from typing import Final

from scaling_engine.assumptions import Assumptions, CooldownStart, ScaleIn

INSTANCE_PROVISIONING_SECONDS: Final = 60.0
"""Simulated seconds from the decision to start an instance until its container starts. Users report minutes."""

DEFAULT_CONTAINER_STARTUP_SECONDS: Final = 480.0
"""Real seconds that a container may take until ``/ping`` answers, where the variant names no
``ContainerStartupHealthCheckTimeoutInSeconds``. Real, because loading a model is the model's own computing."""

HEALTH_CHECK_INTERVAL_SECONDS: Final = 1.0
"""Real seconds between two ``/ping`` to a container in service."""

HEALTH_CHECKS_TO_REPLACE: Final = 3
"""How many ``/ping`` in a row a container may miss before it is replaced, and its work fails. Users report that a
container which is too busy to answer within two seconds is replaced, AWS does not say after how many."""

DEFAULT_MAX_CONCURRENCY: Final = 1
"""Invocations per instance where the configuration names no ``MaxConcurrentInvocationsPerInstance``. AWS documents
that SageMaker chooses, not what."""

ASSUMPTIONS: Final = Assumptions(
    backlog_counts_running_work=True,
    backlog_per_instance_at_zero=False,
    scale_in=ScaleIn.KILLS,
    cooldown_start=CooldownStart.COMPLETION,
    blocked_while_updating=True,
)
"""What the scaling engine asks about. The backlog counts jobs that are being processed: the documentation says so, one
user measured otherwise. ``ApproximateBacklogSizePerInstance`` has no datapoints at zero instances: users report so, the
documentation implies otherwise. Metrics appear and alarms are evaluated at each minute's end; zeros are published while
an endpoint idles, from its creation."""
