"""Tests of the approval of runs."""
