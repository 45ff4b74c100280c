"""From a command line to a composed, checked configuration,
and what is wrong with it.

The only room that knows Hydra.
"""
