"""Quasi-random sequences."""
