"""Programs that use one SDK or framework each, run by the tests in the environment that has it."""
