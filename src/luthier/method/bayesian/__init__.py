"""Bayesian optimization: surrogates, acquisition functions and their search."""
