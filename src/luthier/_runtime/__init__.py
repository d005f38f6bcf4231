"""Process-wide state: threads of numerical libraries, fork locks, lazy imports, fingerprint."""
