"""The document store: the bytes of documents, in a folder or a bucket. Knows no table."""
