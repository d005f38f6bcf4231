"""Racing of candidates over folds."""
