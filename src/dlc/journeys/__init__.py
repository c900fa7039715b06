"""The sentences dlc is for: load, check, compile, run, verify, summarize.

The command line and the Python API both speak them.
"""
