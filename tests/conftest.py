"""What every test shares: Hypothesis without deadlines (this is no benchmark), and one BLAS thread."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

settings.register_profile(
    "luthier",
    deadline=None,
    derandomize=True,  # the same examples at every run: a red test is red for everybody
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("luthier")
