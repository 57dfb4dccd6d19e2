"""Silence for Google's libraries: they write to stderr, over the terminal's screen."""

from __future__ import annotations

import logging
import os
import warnings


def silence() -> None:
    """Set what must be set before grpc and google.auth are imported. Idempotent.

    - GRPC_VERBOSITY=NONE: read once, when grpc is imported.
    - NO_GCE_CHECK=true unless the environment says otherwise: without credentials google.auth
      would probe the metadata server of a Google machine for up to 9 s. On such a machine set
      NO_GCE_CHECK=false.
    - the logger "google" gets a handler that drops everything and passes nothing on.
    - google's warnings (user credentials without a quota project, Python support) are ignored.
    """
    os.environ["GRPC_VERBOSITY"] = "NONE"
    os.environ.setdefault("NO_GCE_CHECK", "true")
    logger = logging.getLogger("google")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())
    logger.propagate = False
    warnings.filterwarnings("ignore", module=r"google(\.|$)")
