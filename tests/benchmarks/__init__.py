"""How much holdfast costs a call, beside a bare wrapper and beside other libraries.

From the root of the repository:

    pip install -e ".[bench]"
    python -m tests.benchmarks                        # everything, about a minute
    python -m tests.benchmarks --only call --rounds 200
    python -m tests.benchmarks --json figures.json --check

Everything that is compared runs in one process and in turns: each round times every contender once, in an order
shuffled anew (from a fixed seed), with the garbage collector off. A contender's ratio is taken to the yardstick of
the *same* round, and the median of these ratios is reported; so a slow moment of the machine touches both sides.
Libraries that are not installed are listed as such and left out.

* ``timing`` measures and knows no library; ``retries`` and ``imports`` say what is measured; ``report`` prints.
"""
