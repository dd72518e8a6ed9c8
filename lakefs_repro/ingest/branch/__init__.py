"""What others wrote to a branch, as a source."""
