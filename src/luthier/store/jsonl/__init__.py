"""The store in one file of JSON lines."""
