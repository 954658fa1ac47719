"""A run's identity, its record (written), and the tables of runs (read). Imports no torch."""
