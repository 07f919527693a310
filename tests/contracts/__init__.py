"""What every adapter of a port must do: one class per port, run against each adapter.

A new adapter subclasses the contracts of the ports it fills and overrides their fixtures.
"""
