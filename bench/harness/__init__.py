"""What `run.py` and `soak.py` share: the C programs, the systems under test, the cases, the meters, the report."""
