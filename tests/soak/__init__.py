"""Long runs: ten minutes of traffic in virtual time, and two real minutes against a server that misbehaves.

`python -m tests.soak virtual` and `python -m tests.soak real`; a short form of the first is among the ordinary tests.
"""
