"""Weights of acquisition functions: cost, user prior, feasibility, results that are known."""
