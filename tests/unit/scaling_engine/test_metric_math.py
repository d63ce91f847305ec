"""Metric math: arithmetic on the datapoints of the same period, and what missing ones do to it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scaling_engine.assumptions import DEFAULTS
from scaling_engine.exceptions import ScalingConfigurationError
from scaling_engine.metric_math import Value, compiled
from scaling_engine.metrics import Metric, MetricMath

SERIES: dict[str, Value] = {
    "a": [1.0, None, 3.0],
    "b": [10.0, 20.0, None],
    "zeros": [0.0, 0.0, 0.0],
    "none": [None, None, None],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", [11.0, None, None]),
        ("2 * a ^ 2 - -1", [3.0, None, 19.0]),
        ("(a + 1) / 2", [1.0, None, 2.0]),
        ("a / zeros", [None, None, None]),
        ("zeros ^ (0 - 1)", [None, None, None]),
        ("(0 - a) ^ .5", [None, None, None]),
        ("a ^ 1000", [1.0, None, None]),
        ("FILL(a, 0) + FILL(b, 0)", [11.0, 20.0, 3.0]),
        ("FILL(a, REPEAT)", [1.0, 1.0, 3.0]),
        ("FILL(none, 0)", [0.0, 0.0, 0.0]),
        ("IF(FILL(a, 0) > 0, 5, 0)", [5.0, 0.0, 5.0]),
        ("IF(a >= 3, b)", [None, None, None]),
        ("IF(a < 3 AND b == 10 OR a == 3, a, 0)", [1.0, None, None]),
        ("MAX([a, b, 0 * zeros])", [10.0, 20.0, 3.0]),
        ("MAX([none, none])", [None, None, None]),
        ("SUM([a, b])", [11.0, 20.0, 3.0]),
        ("a - MIN(a)", [0.0, None, 2.0]),
        ("AVG([a, FILL(b, 2)])", [5.5, 20.0, 2.5]),
        ("CEIL(a / 2) + FLOOR(a / 2) + ABS(0 - a)", [2.0, None, 6.0]),
        ("1 + 1", 2.0),
        (".5 != 1", 1.0),
    ],
)
def test_an_expression_has_the_value_that_its_documentation_says(text: str, expected: Value) -> None:
    """Operators miss wherever an operand misses; FILL fills; arrays leave missing datapoints out."""
    assert expected == compiled(text).value(SERIES, DEFAULTS)


@pytest.mark.parametrize("text", ["MAX([a, b])", "SUM([a, 0 * b])"])
def test_whether_arrays_leave_missing_datapoints_out_is_an_assumption(text: str) -> None:
    """If they do not, a period has a value only where all of its series have."""
    strict = replace(DEFAULTS, aggregates_leave_out_missing=False)
    series: dict[str, Value] = {"a": [1.0, 2.0, None], "b": [0.0, None, None]}
    expression = compiled(text)
    assert expression.value(series, DEFAULTS) == [1.0, 2.0, None]
    assert expression.value(series, strict) == [1.0, None, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a +", "metric math: unexpected 'the end' in 'a +'"),
        ("a b", "metric math: unexpected 'b' in 'a b'"),
        ("(a", "metric math: unexpected 'the end' in '(a', expected ')'"),
        ("a ? b", "metric math: 'a ? b' is not understood at ' ? b'"),
        ("RATE(a)", "metric math: RATE in 'RATE(a)' is not supported, use only ABS, AVG, CEIL, FILL,"),
        ("FILL(a)", "metric math: FILL in 'FILL(a)' has 1 arguments, not 2 to 2"),
    ],
)
def test_what_is_not_understood_is_refused(text: str, message: str) -> None:
    """An expression that was computed otherwise than by CloudWatch would mislead."""
    with pytest.raises(ScalingConfigurationError) as raised:
        compiled(text)
    assert str(raised.value).startswith(message)


def metric(name: str) -> Metric:
    """Return a metric of that name."""
    return Metric(namespace="N", name=name)


def test_expressions_may_build_on_expressions() -> None:
    """Ids are those of metrics or of other expressions."""
    math = MetricMath(
        returned="twice",
        expressions=(("twice", "2 * both"), ("both", "one + two")),
        metrics=(("one", metric("A")), ("two", metric("B"))),
    )
    published: dict[Metric, list[float | None]] = {metric("A"): [1.0, 2.0], metric("B"): [10.0, None]}
    assert math.datapoints(published.__getitem__) == [22.0, None]
    assert math.sources == (metric("A"), metric("B"))


def test_a_number_is_a_series_of_it() -> None:
    """An expression of constants has a value in every period."""
    math = MetricMath(returned="e", expressions=(("e", "3"),), metrics=(("m", metric("A")),))
    assert math.datapoints(lambda _: [None, None]) == [3.0, 3.0]


@pytest.mark.parametrize(
    ("returned", "expressions", "message"),
    [
        ("e", (("e", "x + 1"),), "metric math: expression e names x, which there is not"),
        ("f", (("e", "1"),), "metric math: f is no expression's id"),
    ],
)
def test_unknown_ids_are_refused(returned: str, expressions: tuple[tuple[str, str], ...], message: str) -> None:
    """The line names the id."""
    with pytest.raises(ScalingConfigurationError) as raised:
        MetricMath(returned=returned, expressions=expressions)
    assert message == str(raised.value)


@pytest.mark.parametrize("text", ["e", "[m, m]"])
def test_what_is_no_series_is_refused(text: str) -> None:
    """An expression that needs itself has no value, and an array is not one series."""
    math = MetricMath(returned="e", expressions=(("e", text),), metrics=(("m", metric("A")),))
    with pytest.raises(ScalingConfigurationError):
        math.datapoints(lambda _: [1.0])
