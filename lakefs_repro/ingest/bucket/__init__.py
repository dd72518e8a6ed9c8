"""What lies in a bucket, as a source."""
