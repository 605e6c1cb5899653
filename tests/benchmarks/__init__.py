"""What the gateway costs: latency over a direct call, CPU per request, memory, and the window's share.

`python -m tests.benchmarks` (`make bench`) prints one table; nothing here passes or fails a test run.
"""
