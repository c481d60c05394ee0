"""Tests that choose the interleaving: real threads run one at a time, tasks in an order of our own, by a seed.

A *schedule* is one run of a scenario under one seed, which says who goes on at each point at which somebody else might:
at locks, and between any two lines or bytecodes of the modules that are watched. Whatever a schedule finds, its seed
finds again. A few hundred schedules of each scenario are part of the ordinary tests; the long search is

    python -m tests.schedules [--schedules N] [--scenario S] [--seed X]

Why this is not one of the tools that exist: frontrun takes the gate of a waiting thread (a lock that is acquired twice
by one thread and released by another) for a deadlock, interleave-test needs Python 3.12, ploom wants code to be written
with its own primitives, and detangle knows tasks only; all four are in their first versions.
"""
