"""``python -m model_server``, which is also the image's entry point: SageMaker adds the argument ``serve``."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time

from model_server.http_server import hold_stop_signals, serve_until_stopped
from model_server.log import configure_logging
from model_server.recognition import Recognizer
from model_server.serve import Application
from model_server.settings import Settings, SettingsError
from model_server.workers import Workers


def main() -> None:
    """Load the model, then listen: until it can answer, nothing is there to connect to, which is no health check."""
    parser = argparse.ArgumentParser(prog="model_server", description="Recognize text in scanned pages over HTTP.")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help="what SageMaker passes")
    parser.parse_args()
    hold_stop_signals()
    configure_logging()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        sys.exit(f"model_server: {error}")
    workers = Workers(settings.workers, timeout_seconds=settings.timeout_seconds)
    application = Application(workers.prepare(lambda: _load(settings.workers)), workers)
    try:
        serve_until_stopped(application, host=settings.host, port=settings.port, invocation_threads=workers.capacity)
    except OSError as error:
        sys.exit(f"model_server: cannot listen on {settings.host}:{settings.port}: {error.strerror}")


def _load(workers: int) -> Recognizer:
    started = time.monotonic()
    recognizer = Recognizer(workers)
    logging.getLogger(__name__).info("loaded", extra={"seconds": round(time.monotonic() - started, 2)})
    return recognizer


if __name__ == "__main__":
    main()
