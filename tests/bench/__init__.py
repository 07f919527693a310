"""The benchmark's own parts; the figures it takes are nobody's test."""
