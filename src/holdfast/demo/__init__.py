"""The demonstration: real requests to a server on loopback that misbehaves by script, with and without holdfast.

It is started by ``python -m holdfast demo`` and never imported by ``import holdfast``. Who plays which part:

* `script` says how the server treats each attempt of each call: a pure function of the seed.
* `server` acts it out on a socket.
* `clients` are the functions that ask: bare, with a retry, and under one policy, whose settings are in `guards`.
* `plan` says how much traffic there is and which runs; `run` sends it, through threads and through tasks.
* `observed` is what metrics, health reports and listeners tell of the guards; `result` is what came of the calls.
* `strips` show it while it happens, `report` when it is over.

`policies` lists the named retry policies for ``python -m holdfast policies``; `tables` aligns the columns of both.
"""

from __future__ import annotations

from .plan import Plan, Scenario
from .report import render_json, render_report
from .result import Result
from .run import SCENARIOS, run_demo
from .strips import screen

__all__ = ["SCENARIOS", "Plan", "Result", "Scenario", "render_json", "render_report", "run_demo", "screen"]
