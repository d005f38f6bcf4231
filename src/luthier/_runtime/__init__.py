"""Process-wide state: threads of numerical libraries, fork locks, fingerprint of the environment."""
