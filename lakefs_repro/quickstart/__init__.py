"""The quickstart: real data versioned, guarded, overwritten at its source and brought back."""
