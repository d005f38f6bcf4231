"""Search spaces of the search classes."""
