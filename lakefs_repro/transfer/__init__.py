"""Bytes: hashing, uploading, downloading, in parallel and within bounded memory."""
