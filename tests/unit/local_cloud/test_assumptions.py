"""Switches for what AWS leaves open."""

from __future__ import annotations

import pytest

from local_cloud.assumptions import Assumptions, RepeatedFilename, assumption, assumptions
from scaling_engine.assumptions import Assumptions as ScalingAssumptions
from scaling_engine.assumptions import ScaleIn


def test_each_switch_has_a_default() -> None:
    """Nothing named is nothing changed."""
    assert assumptions([]) == Assumptions()


def test_switches_are_set_by_name() -> None:
    """A truth value, and one of several."""
    pairs = [assumption("failures_follow_extension=true"), assumption("repeated_filename=fails")]
    expected = Assumptions(failures_follow_extension=True, repeated_filename=RepeatedFilename.FAILS)
    assert assumptions(pairs) == expected


def test_switches_of_scaling_are_the_engines_own() -> None:
    """The simulator has them under the same names."""
    pairs = [assumption("scale_in=drains"), assumption("backlog_counts_running_work=false")]
    expected = ScalingAssumptions(scale_in=ScaleIn.DRAINS, backlog_counts_running_work=False)
    assert expected == assumptions(pairs).scaling


@pytest.mark.parametrize(
    "text", ["", "unknown=true", "failures_follow_extension=yes", "repeated_filename", "scaling=x", "scale_in=x"]
)
def test_what_does_not_exist_is_named_with_what_does(text: str) -> None:
    """Whoever mistypes learns the choice."""
    with pytest.raises(ValueError, match="choose among"):
        assumption(text)


def test_a_number_out_of_bounds_is_refused() -> None:
    """With the bounds, before anything is started."""
    with pytest.raises(ValueError, match="within 1 and 5"):
        assumption("extra_datapoints=9")
