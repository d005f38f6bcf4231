"""Pictures of analyses, as descriptions that any library can draw."""
