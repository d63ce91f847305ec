"""The one error of this package and the check that raises it, apart so that every other module may use them."""

from __future__ import annotations


class ScalingConfigurationError(ValueError):
    """An alarm, policy or scalable target is not one that AWS accepts, or uses a feature that the engine lacks.

    The message is one line that names the setting, the value and what is allowed; AWS answers a ``ValidationException``
    or ``ValidationError`` in the same place.
    """


def require(fulfilled: bool, problem: str) -> None:  # noqa: FBT001 - the shape of an assertion
    """Raise :class:`ScalingConfigurationError` with ``problem`` unless the condition is ``fulfilled``."""
    if not fulfilled:
        raise ScalingConfigurationError(problem)
