"""The environment is read once, with defaults, and refused in one line."""

from __future__ import annotations

import pytest

from model_server.settings import Settings, SettingsError


def test_defaults() -> None:
    """Without any variable the server listens on the loopback address alone."""
    assert Settings(host="127.0.0.1", port=8080, workers=1, timeout_seconds=3600) == Settings.from_env({})


def test_every_variable() -> None:
    """Each setting comes from the variable that the container contract names."""
    environment = {
        "MODEL_SERVER_HOST": "0.0.0.0",  # noqa: S104 - what the image sets
        "SAGEMAKER_BIND_TO_PORT": "9090",
        "SAGEMAKER_MODEL_SERVER_WORKERS": "4",
        "SAGEMAKER_MODEL_SERVER_TIMEOUT": "900",
    }

    expected = Settings(host="0.0.0.0", port=9090, workers=4, timeout_seconds=900)  # noqa: S104 - likewise
    assert expected == Settings.from_env(environment)


def test_empty_is_absent() -> None:
    """A variable that is set to nothing has its default."""
    assert Settings.from_env({}) == Settings.from_env({"MODEL_SERVER_HOST": "", "SAGEMAKER_BIND_TO_PORT": ""})


@pytest.mark.parametrize(
    ("name", "maximum"),
    [
        ("SAGEMAKER_BIND_TO_PORT", 65_535),
        ("SAGEMAKER_MODEL_SERVER_WORKERS", 64),
        ("SAGEMAKER_MODEL_SERVER_TIMEOUT", 86_400),
    ],
)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "²", "86401"])
def test_refused_value(name: str, maximum: int, value: str) -> None:
    """A value that cannot work is refused by the variable's name, the value and what is allowed."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({name: value})

    assert f"{name} is {value!r}: set a whole number from 1 to {maximum}" == str(caught.value)
