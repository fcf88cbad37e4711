"""Claim, prefetch, build, send, record: how the ready results of a run go out, and recovery after a crash."""
