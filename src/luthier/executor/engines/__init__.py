"""Engines of other libraries that run trials: Dask, Ray, Slurm, Spark, loky."""
