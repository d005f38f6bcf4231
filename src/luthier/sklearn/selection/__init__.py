"""Choice of the winner, and an unbiased estimate of its score."""
