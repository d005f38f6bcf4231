"""Weights of acquisition functions: cost, user prior, feasibility."""
