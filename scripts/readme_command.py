#!/usr/bin/env python3
"""Print the README's first or second set-up command: `readme_command.py 1`.

Continuous integration runs what the README says, not a copy of it.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def commands() -> list[str]:
    """The `sh` blocks of the README's section on setting up."""
    section = README.read_text().split("## Set up", 1)[1].split("\n## ", 1)[0]
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", section, re.DOTALL)]


if __name__ == "__main__":
    print(commands()[int(sys.argv[1]) - 1])
