"""How much holdfast costs, beside a bare wrapper and beside other libraries.

From the root of the repository:

    pip install -e ".[bench]"
    python -m tests.benchmarks                        # everything, about six minutes
    python -m tests.benchmarks --only call --rounds 200
    python -m tests.benchmarks --json figures.json --check

Everything that is compared runs in one process and in turns: each round times every contender once, in an order
shuffled anew (from a fixed seed), with the garbage collector off. A contender's ratio is taken to the yardstick of
the *same* round, and the median of these ratios is reported; so a slow moment of the machine touches both sides.
Libraries that are not installed are listed as such and left out. Bytes hardly vary, so they are counted once.

* What is measured: calls that succeed or fail through `retries`, `breakers`, `bulkheads`, `timeouts` and `stacks` of
  them; the `handover` of a permit in a long queue; `expiries` of time limits, and calls while many others are `pending`
  under theirs; calls by several `threads` at once; the `sizes` of objects and their `growth` over many calls; threads
  as `leftovers`; `imports`.
* How: `timing` takes times and `tracing` counts bytes, and both know no library; `contenders` puts libraries side by
  side; `report` prints.
"""
