"""Generated from the contract.

Generated from openapi.yaml by tools/python/generate.py. Do not edit.
"""

CONTRACT_VERSION = "0.1.0"
