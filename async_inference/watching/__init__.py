"""Waiting for many jobs at once: by listing S3, by notices from a queue, in a thread or without one."""
