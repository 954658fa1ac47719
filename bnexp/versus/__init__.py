"""`bnexp compare`: which arm is better, and is it sure.

A call becomes a comparison as the ledger's are (`definition`), and runs are trained until every
pair is decided (`run`); or the question is put to runs that are there already (`found`). Either way
the result is an `Answer`.
"""

from typing import Any


def compare(*words: str, by: str | None = None, **keys: Any) -> Any:
    """Compare arms; return the answer, an object with `table`, `sentence` and `figure()`.

    `words` and `keys` are those of the command line: `compare("model=mlp",
    "model.norm=none,batch", max_seeds=10)`, or `compare("runs", by="model.norm")`. Raises
    UserError for bad input, KeyboardInterrupt where it was interrupted; a later call goes on.
    """
    from bnexp.arguments import as_recorded
    from bnexp.versus.call import read_call
    from bnexp.versus.cli import engine_of

    whole = [*words, *(f"{key}={value}" for key, value in keys.items())]
    call = read_call(whole, by)
    command = as_recorded("compare", whole)
    if call.sources:
        from bnexp.versus.found import compare_found

        return compare_found(call, command)
    from bnexp.versus.run import compare_runs

    return compare_runs(call, command, engine_of(call, command, list(call.launcher)), quiet=True)
