"""What every page says besides the results."""

SOURCE = "Hyperparameter Tuning, Batch Normalization, and Frameworks"
WRITTEN = "Written by scripts/publish.py from the tables beside it; no number is typed."
ERRATA = (
    "Below are its printed numbers that do not follow from its own inputs, and its claims about "
    "training that were decided against."
)
ELSEWHERE = (
    "Sizes that came out otherwise on another net or dataset than the source's are not in this "
    "list: they may well have been right there."
)
LITERATURE = (
    "What the source says, what was measured here, and what published work says. Figures called "
    "second-hand are quoted from another paper's account."
)
NO_SLIP = "no slip that was tried gives it"
