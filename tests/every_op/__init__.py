"""Helpers of test_every_op: cases drawn from the samples of the operations, and the independent truths."""
