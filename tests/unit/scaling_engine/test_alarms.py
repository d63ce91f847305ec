"""The states of alarms, row by row as the CloudWatch guide tabulates them."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling_engine.alarms import Alarm, AlarmState, ComparisonOperator, Evaluation, TreatMissingData, evaluate
from scaling_engine.assumptions import Assumptions
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metrics import Metric, Statistic

OK, ALARM, INSUFFICIENT = AlarmState.OK, AlarmState.ALARM, AlarmState.INSUFFICIENT_DATA
RETAIN = None
THREE_OF_THREE = Alarm(
    name="Wake",
    metric=Metric(
        namespace="AWS/SageMaker", name="HasBacklogWithoutCapacity", dimensions=frozenset({("EndpointName", "ocr")})
    ),
    comparison=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    threshold=1,
    period_seconds=60,
    evaluation_periods=3,
    datapoints_to_alarm=3,
)
TWO_OF_THREE = replace(THREE_OF_THREE, datapoints_to_alarm=2)
TREATMENTS = (
    TreatMissingData.MISSING,
    TreatMissingData.IGNORE,
    TreatMissingData.BREACHING,
    TreatMissingData.NOT_BREACHING,
)


def datapoints(row: str) -> list[float | None]:
    """Return what a row of the guide shows: 0 does not breach, X breaches, - is missing."""
    return [{"0": 0.0, "X": 1.0, "-": None}[symbol] for symbol in row.split()]


def states(alarm: Alarm, row: str, state: AlarmState) -> list[AlarmState]:
    """Return the new states under the four treatments, in the order of the guide's columns."""
    return [
        evaluate(replace(alarm, treat_missing_data=treatment), datapoints(row), state).state for treatment in TREATMENTS
    ]


@pytest.mark.parametrize("state", list(AlarmState))
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", (OK, OK, OK, OK)),
        ("0 - - - -", (OK, OK, OK, OK)),
        ("- - - - -", (INSUFFICIENT, RETAIN, ALARM, OK)),
        ("0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("- - X - -", (ALARM, RETAIN, ALARM, OK)),
        # The two rows that the 2018 edition of the guide has beyond these.
        ("- - - - X", (INSUFFICIENT, RETAIN, ALARM, OK)),
        ("X - - - -", (ALARM, RETAIN, ALARM, OK)),
        # From the text on premature transitions.
        ("- - - X -", (INSUFFICIENT, RETAIN, ALARM, OK)),
        ("- - - X 0", (OK, OK, OK, OK)),
        ("- - X - 0", (OK, OK, OK, OK)),
    ],
)
def test_three_out_of_three_follows_the_documented_table(
    row: str, expected: tuple[AlarmState | None, ...], state: AlarmState
) -> None:
    """An alarm of three out of three datapoints takes the documented state, whatever its present one."""
    assert [column or state for column in expected] == states(THREE_OF_THREE, row, state)


@pytest.mark.parametrize("state", list(AlarmState))
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        ("0 - X - -", (OK, OK, ALARM, OK)),
        ("- - - - 0", (OK, OK, ALARM, OK)),
        ("- - - X -", (ALARM, RETAIN, ALARM, OK)),
        # From the 2018 edition.
        ("- - - - X", (INSUFFICIENT, RETAIN, ALARM, OK)),
    ],
)
def test_two_out_of_three_follows_the_documented_table(
    row: str, expected: tuple[AlarmState | None, ...], state: AlarmState
) -> None:
    """An alarm of two out of three datapoints takes the documented state, whatever its present one."""
    assert [column or state for column in expected] == states(TWO_OF_THREE, row, state)


def test_a_non_breaching_datapoint_counts_until_it_leaves_the_range() -> None:
    """The minute after ``0 - - - -``, an alarm that treats missing data as breaching fires, as the guide says."""
    alarm = replace(THREE_OF_THREE, treat_missing_data=TreatMissingData.BREACHING)
    history = datapoints("0 - - - -")
    assert [evaluate(alarm, history, OK).state, evaluate(alarm, [*history, None], OK).state] == [OK, ALARM]


def test_enough_real_datapoints_make_older_ones_irrelevant() -> None:
    """Datapoints beyond the evaluation periods, and all beyond the range, are not looked at."""
    assert evaluate(THREE_OF_THREE, datapoints("X X X X X 0 0 0"), ALARM) == evaluate(
        THREE_OF_THREE, datapoints("0 0 0"), OK
    )


def test_any_sequence_of_datapoints_will_do() -> None:
    """A deque, which cannot be sliced, is evaluated like a list."""
    assert evaluate(THREE_OF_THREE, deque([1.0, 1.0, 1.0], maxlen=5), OK).state is ALARM


def test_an_evaluation_names_its_datapoints_and_its_reason() -> None:
    """The evaluation carries the real datapoints, oldest first, and a reason with the newest first."""
    evaluation = evaluate(TWO_OF_THREE, [2, None, 3], OK)
    assert Evaluation(alarm=TWO_OF_THREE, state=ALARM, datapoints=(2.0, 3.0), breaches=2) == evaluation
    assert evaluation.reason == (
        "Threshold Crossed: 2 out of the last 3 datapoints [3.0, 2.0] were greater than or equal to the threshold "
        "(1.0), 2 needed to alarm, 1 missing treated as [missing]."
    )


def test_an_evaluation_without_data_says_so() -> None:
    """An alarm without any datapoint gives the number of unknown ones as its reason."""
    evaluation = evaluate(THREE_OF_THREE, [], OK)
    assert Evaluation(alarm=THREE_OF_THREE, state=INSUFFICIENT) == evaluation
    assert evaluation.reason == "Insufficient Data: 3 datapoints were unknown."


@pytest.mark.parametrize(("extra", "state"), [(1, OK), (2, ALARM), (5, ALARM)])
def test_how_far_an_alarm_looks_back_is_an_assumption(extra: int, state: AlarmState) -> None:
    """Two datapoints that are late are made up for by two from before the evaluation periods, if they are looked at."""
    alarm = replace(THREE_OF_THREE, treat_missing_data=TreatMissingData.NOT_BREACHING)
    assert state is evaluate(alarm, datapoints("X X X - -"), OK, Assumptions(extra_datapoints=extra)).state


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        (ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD, [False, True, True]),
        (ComparisonOperator.GREATER_THAN_THRESHOLD, [False, False, True]),
        (ComparisonOperator.LESS_THAN_THRESHOLD, [True, False, False]),
        (ComparisonOperator.LESS_THAN_OR_EQUAL_TO_THRESHOLD, [True, True, False]),
    ],
)
def test_comparisons_have_the_datapoint_as_first_operand(comparison: ComparisonOperator, breaching: list[bool]) -> None:
    """A datapoint below, at and above the threshold breaches as the operator's name says."""
    alarm = replace(THREE_OF_THREE, comparison=comparison)
    assert breaching == [alarm.is_breached_by(value) for value in (0.5, 1, 1.5)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": float("nan")}, "alarm Wake: threshold nan is not a finite number"),
        ({"period_seconds": 90}, "alarm Wake: period of 90 s is not 10, 20, 30 or a multiple of 60"),
        ({"period_seconds": 0}, "alarm Wake: period of 0 s is not 10, 20, 30 or a multiple of 60"),
        (
            {"evaluation_periods": 1441},
            "alarm Wake: 1441 evaluation periods of 60 s are not between one period and 86400 s",
        ),
        (
            {"period_seconds": 3600, "evaluation_periods": 169},
            "alarm Wake: 169 evaluation periods of 3600 s are not between one period and 604800 s",
        ),
        ({"evaluation_periods": 0}, "alarm Wake: 0 evaluation periods of 60 s are not between one period and 86400 s"),
        ({"datapoints_to_alarm": 4}, "alarm Wake: 4 datapoints to alarm are not 1 to 3, the evaluation periods"),
        ({"datapoints_to_alarm": 0}, "alarm Wake: 0 datapoints to alarm are not 1 to 3, the evaluation periods"),
    ],
)
def test_values_that_put_metric_alarm_refuses_are_refused(changes: dict[str, float], message: str) -> None:
    """Every bound of the service model is checked on construction with a line that names the alarm."""
    with pytest.raises(ScalingConfigurationError) as raised:
        replace(THREE_OF_THREE, **changes)  # type: ignore[arg-type] # each row fits the field that it names
    assert message == str(raised.value)


def test_metrics_are_the_same_whatever_the_order_of_their_dimensions() -> None:
    """A metric is a usable key: equal and with equal hash for the same dimensions, different for another statistic."""
    first = Metric(namespace="N", name="M", dimensions=frozenset([("A", "1"), ("B", "2")]))
    second = replace(first, dimensions=frozenset([("B", "2"), ("A", "1")]))
    assert {first} == {second}
    assert replace(first, statistic=Statistic.SUM) != second


"""Properties are about values: a busy machine must not fail them."""
rows = st.lists(st.sampled_from([None, 0.0, 1.0]), max_size=8)


@given(row=rows, state=st.sampled_from(AlarmState), needed=st.integers(1, 3))
def test_with_enough_data_the_treatment_of_missing_data_does_not_matter(
    row: list[float | None], state: AlarmState, needed: int
) -> None:
    """Once the range holds as many real datapoints as evaluation periods, all four treatments agree."""
    row = [*row, 0.0, None, 1.0, None, 1.0]
    alarm = replace(THREE_OF_THREE, datapoints_to_alarm=needed)
    assert (
        len({evaluate(replace(alarm, treat_missing_data=treatment), row, state).state for treatment in TREATMENTS}) == 1
    )


@given(row=rows, state=st.sampled_from(AlarmState), needed=st.integers(1, 3), treatment=st.sampled_from(TREATMENTS))
def test_another_breach_never_ends_an_alarm(
    row: list[float | None], state: AlarmState, needed: int, treatment: TreatMissingData
) -> None:
    """Where a non-breaching datapoint leaves an alarm in ALARM, a breaching one in its place does so too."""
    alarm = replace(THREE_OF_THREE, datapoints_to_alarm=needed, treat_missing_data=treatment)
    worse = [1.0 if value == 0 else value for value in row]
    if evaluate(alarm, row, state).state is ALARM and 0 in row:
        assert evaluate(alarm, worse, ALARM).state is ALARM
