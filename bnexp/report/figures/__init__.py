"""One figure a module: a function from runs to a Chart."""
