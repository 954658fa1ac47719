#!/usr/bin/env python3
"""How many modules of ours a single run loads.

    python scripts/count_modules.py [--names] [KEY=VALUE ...]

The keys are those of `bnexp train`. Modules are counted in `sys.modules` once the run has ended;
packages that only name what is in them are counted too, and apart.
"""

import argparse
import contextlib
import io
import sys
import tempfile

from bnexp.cli import run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--names", action="store_true", help="name them")
    parser.add_argument("keys", nargs="*", default=["model=mlp", "probes=none"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        line = [*options.keys, "training.max_steps=2", f"runs_dir={folder}/runs", "progress=false"]
        code = run(["train", *line])
    if code:
        raise SystemExit(code)
    ours = sorted(name for name in sys.modules if name.partition(".")[0] == "bnexp")
    faces = [name for name in ours if hasattr(sys.modules[name], "__path__")]
    if options.names:
        print("\n".join(ours))
    print(f"{len(ours)} modules, {len(ours) - len(faces)} without packages' faces")


if __name__ == "__main__":
    main()
