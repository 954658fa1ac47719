"""The one exception meant for users: their input is at fault, not our code."""


class UserError(Exception):
    """Bad input or a missing file; the CLI prints each line and exits with code 2.

    Every line says what is wrong, where, and what would be right.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)
