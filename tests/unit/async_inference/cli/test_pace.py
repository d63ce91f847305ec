"""How fast, and how much longer."""

from __future__ import annotations

from async_inference.cli.pace import Counts, Pace


def test_nothing_is_foretold_before_something_has_finished() -> None:
    """A cold start says nothing of the pace."""
    pace = Pace(100.0)

    assert (pace.rate(200.0), pace.remaining_seconds(200.0, Counts(total=10))) == (None, None)


def test_the_rest_takes_as_long_as_the_last_did() -> None:
    """Two a second, eight to go."""
    pace = Pace(0.0)
    pace.note(1.0, 2)

    assert pace.rate(1.0) == 2.0
    assert pace.remaining_seconds(1.0, Counts(total=10, succeeded=1, failed=1)) == 4.0


def test_items_of_an_earlier_process_are_not_this_ones_pace() -> None:
    """A resumed batch starts its rate anew."""
    pace = Pace(0.0, finished=900)
    pace.note(10.0, 910)

    assert pace.rate(10.0) == 1.0


def test_a_cold_start_is_forgotten() -> None:
    """The rate rests on the last items alone."""
    pace = Pace(0.0)
    for item in range(1, 201):
        pace.note(600.0 + item, item)

    assert pace.rate(800.0) == 1.0


def test_the_rate_falls_while_nothing_finishes() -> None:
    """Otherwise the end would seem near for ever."""
    pace = Pace(0.0)
    pace.note(10.0, 10)

    assert pace.rate(100.0) == 0.1


def test_repeated_counts_are_no_progress() -> None:
    """A heartbeat shows the same numbers again and again."""
    pace = Pace(0.0)
    for second in range(1, 100):
        pace.note(float(second), 1)

    assert pace.rate(100.0) == 0.01
