"""The demonstration: real requests to a server on loopback that misbehaves by script, with and without holdfast.

It is started by ``python -m holdfast demo`` and never imported by ``import holdfast``. Who plays which part:

* `script` says how the server treats each attempt of each call: a pure function of the seed.
* `server` acts it out on a socket.
* `clients` are the functions that ask, each once bare and once decorated.
* `run` sends the traffic, through threads and through tasks, and counts what comes of it.
* `report` shows it while it happens and when it is over.

`policies` lists the named retry policies for ``python -m holdfast policies``; `tables` aligns the columns of both.
"""

from __future__ import annotations

from .report import render_json, render_report, screen
from .run import SCENARIOS, Plan, Result, Scenario, run_demo

__all__ = ["SCENARIOS", "Plan", "Result", "Scenario", "render_json", "render_report", "run_demo", "screen"]
