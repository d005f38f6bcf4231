"""Regressors of scikit-learn's kind."""
