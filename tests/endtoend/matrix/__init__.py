"""Four doors to four providers, feature by feature, through the official SDKs.

`scenario.py` has the neutral words, a module per door says them with its SDK, `features.py` plays a scene per feature
and compares both ends, `test_matrix.py` is the product of all.
"""
