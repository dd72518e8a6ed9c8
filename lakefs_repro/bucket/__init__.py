"""S3 buckets that data lies in already: listing, reading, copying; the only room that knows boto3."""
