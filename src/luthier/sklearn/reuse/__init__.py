"""Reuse of fits that candidates share. Optional: see `luthier.sklearn.search`."""
