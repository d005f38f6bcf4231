"""Measurements of Luthier, against itself and its peers."""
