"""The study file: its reader, and messages with file and line."""
