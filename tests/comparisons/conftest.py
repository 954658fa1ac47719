# Tests of the ledger and its runner, which are being rewritten.
collect_ignore = [
    "test_ledger.py", "test_page.py", "test_reproduce.py", "test_setting.py",
]  # fmt: skip
