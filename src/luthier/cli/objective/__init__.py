"""Objectives of a study file: Python functions and shell commands."""
