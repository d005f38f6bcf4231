"""Fingerprint of the numerical environment (CPU, BLAS, numpy, version)."""

from __future__ import annotations

import functools
import platform
from typing import Any

import numpy as np

import luthier.version


@functools.cache
def fingerprint() -> dict[str, Any]:
    """Give the parts of the environment that the bits of a proposal may depend on besides the log.

    Returns:
        Kind and SIMD extensions of the processor, versions of numpy, its BLAS and Luthier. Cost: once a process.
    """
    try:
        build: Any = np.show_config(mode="dicts")
        blas = build["Build Dependencies"]["blas"]
        blas_name = f"{blas['name']} {blas['version']}"
        abilities = " ".join(build["SIMD Extensions"].get("found", ()))
    except (KeyError, TypeError):
        blas_name = abilities = "unknown"
    return {
        "machine": platform.machine(),
        "abilities": abilities,
        "numpy": np.__version__,
        "blas": blas_name,
        "luthier": luthier.version.VERSION,
    }
