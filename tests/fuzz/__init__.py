"""Random input: nothing raises, grammars hold, and what is written can be read."""
