"""What CloudWatch alarms and Application Auto Scaling would do, as pure functions of metric statistics.

The package exists so that one engine judges scaling everywhere: the local cloud drives it each simulated minute, the
simulator as fast as it can. It therefore has no clock, no input or output and no AWS import: times come in as seconds,
statistics as numbers, and decisions come out as values.

Data flow of one minute::

    statistics -> alarms.evaluate -> Evaluation -> scalable_target.ScalableTarget.decide -> ScalingActivity or None
                                                        ^                                        |
                                                        +--------- Cooldowns.after <-------------+

:class:`variant_scaling.VariantScaling` keeps the state between minutes, :mod:`gauges` says what the queue publishes.

What AWS does not document, and a design might depend on, is a switch of :class:`assumptions.Assumptions`. The rest is
decided in one place each and named there as an *assumption*: search for that word.
"""
