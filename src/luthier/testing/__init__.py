"""Contract suites for third-party surrogates, methods, stores and executors."""
