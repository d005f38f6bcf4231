"""Loggers that stay silent unless the program configures logging."""

from __future__ import annotations

import logging


def silent_logger(name: str) -> logging.Logger:
    """Return a logger whose warnings are not printed by Python's handler of last resort.

    What it says is said elsewhere, too: in the result of a trial, or in a table. A program that wants to see it as it
    happens sets up `logging`.

    Args:
        name: the name of the logger, such as ``luthier.executor.threads``.
    """
    logger = logging.getLogger(name)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger
