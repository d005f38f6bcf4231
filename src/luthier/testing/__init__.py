"""What a third-party store, method or executor can be tested with. Nothing in Luthier imports it."""
