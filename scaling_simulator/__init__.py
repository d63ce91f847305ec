"""Replays requests against the scaling that a CloudFormation template declares, in discrete events.

The package exists so that scaling is judged before it is deployed, and by what is deployed: policies, alarms and the
scalable target are read out of a synthesized template, ours or anybody's, and decided on by the same
:mod:`scaling_engine` that drives the local cloud. No result is a statement about AWS where its documentation is silent:
each such point is a switch of :class:`scaling_engine.assumptions.Assumptions`.

Data flow::

    template_files.py -> template.py -> Deployment --+
    traces.py, patterns.py -> Request ---------------+-> simulation.simulate -> outcome.Run -> report.py -> tables.py
    options.py --------------------------------------+                                    +-> pictures.py

:mod:`scaling_simulator.commands` is the command around it, :mod:`scaling_simulator.inputs` reads what its options name.
"""
