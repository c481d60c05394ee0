"""What a resilience library should do, asked of holdfast and of others: `python -m tests.conformance`.

Each scenario says in one sentence what is expected of whom, and watches it from outside, through public functions only.
An adapter for each library sets it up as its own documentation says, with the settings that serve it best. A library
is asked only about the patterns it has, and through the doors it has: plain functions, async functions or both.

The cells of the matrix:

* passed, failed: through every door that the library has; the failing one is named.
* not offered: the library has the pattern, but neither a setting nor a word in its documentation for this.
* -: the library does not have the pattern.

Where a cell of another library says "failed", a script of some ten lines stands in `reproductions/`: it uses that library
alone, asserts what was expected, and fails. Each run executes all of them. A failure without one, or a script that no
longer fails, is reported, and the run ends with the exit code 1.
"""
