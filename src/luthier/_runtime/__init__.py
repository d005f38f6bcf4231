"""Everything that is process-wide: threads, fork locks, fingerprint."""
