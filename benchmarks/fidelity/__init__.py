"""Schedulers and methods of Luthier and its peers, measured by a simulated clock."""
