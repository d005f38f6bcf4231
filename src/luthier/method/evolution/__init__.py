"""Evolution strategies, and the fold of their states over a log."""
