"""Holds the running gateway to its own description of `/api`: whatever is sent, what comes back is described."""
