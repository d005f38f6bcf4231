"""Benchmark of objectives as people have them: ties, noise, plateaus, edges, few variables, few rows."""
