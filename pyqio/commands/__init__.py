"""The commands of a session, one file a family.

A command is a class whose fields say what it takes; running it returns results and prints nothing.
``index`` names the module that each command lives in, so that a session loads the families that it uses.
"""
