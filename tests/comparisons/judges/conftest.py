# Tests of judges that still wait for their conversion to readings by seed.
collect_ignore = [
    "test_activations.py", "test_batch_noise.py", "test_drift.py", "test_gradient_flow.py",
    "test_mean_field.py", "test_noise.py", "test_normalised_always.py", "test_smoothness.py",
]  # fmt: skip
