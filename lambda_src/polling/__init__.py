"""Submits to the endpoint and polls for the result, within the time that one Lambda invocation has."""
