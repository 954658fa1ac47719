"""The judges: each turns the runs of one comparison into what was measured."""
