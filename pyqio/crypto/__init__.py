"""Ciphers for sectors, and LUKS; no input or output.

The algorithms are those of the library cryptography (the extra ``crypto``), which is imported where they are used.
"""
