"""The kinds of variables and their encoding."""
