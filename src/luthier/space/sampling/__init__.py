"""Sampling of feasible configurations."""
