"""Clients that wait for one result, each a program of its own: run by :mod:`benchmarks.waiting`."""
