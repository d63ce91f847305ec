"""What AWS does not document about asynchronous inference, decided once and named.

Each decision is the one that flatters this project least where more than one is plausible; a client that depends on a
kinder one would break on AWS. Those that can be switched stand in :mod:`local_cloud.assumptions`, those that are a
value below; those that are a behaviour are these:

* ``Filename`` names the output alone; the failure keeps its generated name (:mod:`local_cloud.sagemaker.locations`).
* An instance that an update or a deletion removes is stopped at once, and what its container does not end before it is
  killed fails. At scale-in the oldest instances go first, of pools the oldest of the least wanted type, whether they
  work or not (:mod:`local_cloud.sagemaker.fleet`).
* Whose container ended keeps its place: an instance that is replaced has the type that it had
  (:mod:`local_cloud.sagemaker.fleet`).
* Where all types of pools have been tried in vain, the first is tried again, until the time is over
  (:mod:`local_cloud.sagemaker.instance_supply`).
* A request that the container does not answer in time fails as if the container had died; the container is left to
  finish, and takes the next request meanwhile (:mod:`local_cloud.sagemaker.container_process`).
* Where there is no response, the failure object holds the reason. An output that cannot be stored is a failure without
  an object (:mod:`local_cloud.sagemaker.invocation`).
* While an endpoint is created, updated or scaled, scaling policies have no effect
  (:mod:`local_cloud.application_autoscaling.scaling`).
"""

from __future__ import annotations

from typing import Final

INSTANCE_PROVISIONING_SECONDS: Final = 60.0
"""Simulated seconds from the decision to start an instance until its container starts. Users report minutes."""

CAPACITY_ATTEMPT_SECONDS: Final = 180.0
"""Simulated seconds until it is known that there is no instance of a type. Users report nine minutes to the fourth
type."""

DEFAULT_PROVISION_TIMEOUT_SECONDS: Final = 1_800.0
"""Simulated seconds after which a launch fails for want of capacity, of a single type or where pools name no
``VariantInstanceProvisionTimeoutInSeconds``. Users report 31 minutes of a single type, of pools nobody does."""

DEFAULT_CONTAINER_STARTUP_SECONDS: Final = 480.0
"""Real seconds that a container may take until ``/ping`` answers, where the variant names no
``ContainerStartupHealthCheckTimeoutInSeconds``. Real, because loading a model is the model's own computing."""

HEALTH_CHECK_INTERVAL_SECONDS: Final = 1.0
"""Real seconds between two ``/ping`` to a container in service."""

HEALTH_CHECKS_TO_REPLACE: Final = 3
"""How many ``/ping`` in a row a container may miss before it is replaced, and its work fails. Users report that a
container which is too busy to answer within two seconds is replaced, AWS does not say after how many."""

LEAST_STOP_SECONDS: Final = 5.0
"""Real seconds that a container has in any case between SIGTERM and SIGKILL, however fast simulated ones pass: what it
does at its end is its own computing. When the local cloud ends, they are all it has."""

THROTTLED_SUBMISSIONS_PER_SECOND: Final = 10
"""How many ``InvokeEndpointAsync`` of an account are taken in a real second where submissions are throttled."""

DEFAULT_MAX_CONCURRENCY: Final = 1
"""Invocations per instance where the configuration names no ``MaxConcurrentInvocationsPerInstance``. AWS documents
that SageMaker chooses, not what."""
