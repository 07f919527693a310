"""A request log of millions: made quickly, asked as people ask, measured."""
