"""The tree-structured Parzen estimator."""
