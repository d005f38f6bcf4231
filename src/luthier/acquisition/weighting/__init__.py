"""Weights of an acquisition function: cost, user prior, feasibility."""
