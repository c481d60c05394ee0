"""What is shown in the end: tables for callers, server and metrics, and in words what it comes to."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from dataclasses import asdict
from itertools import chain, groupby, repeat
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from holdfast import CircuitState

from .guards import RETRIES
from .observed import ERRORS, METRICS
from .plan import Protection
from .result import Outcome, middle
from .script import Phase
from .tables import table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from .observed import GuardsReport
    from .plan import Plan
    from .result import Result

_REMARKS = {"HTTP 404": ", never retried"}
_ANSWERS = (Outcome.ANSWERED, Outcome.RECOVERED)


def render_report(results: Sequence[Result], plan: Plan) -> str:
    """Return the closing tables and what they come to."""
    tables = [_of_callers(results, plan), _of_server(results), _of_metrics(results)]
    return "\n" + "\n\n".join([*tables, *_conclusion(results, plan)])


def _of_callers(results: Sequence[Result], plan: Plan) -> str:
    headings = ["the callers", "answered", "after a retry", "lost", "by refusal", "wait in outage"]
    rows = [
        [
            result.scenario.name,
            str(result.count(Outcome.ANSWERED)),
            str(result.count(Outcome.RECOVERED)),
            str(result.lost),
            str(result.count(Outcome.REFUSED)),
            _duration(middle(result.waits(plan.outage))),
        ]
        for result in results
    ]
    return table(headings, rows, right=headings[1:])


def _of_server(results: Sequence[Result]) -> str:
    headings = ["the server", "requests", "in the outage", "most at once", "queued before"]
    rows = [
        [
            result.scenario.name,
            str(sum(result.requests.values())),
            str(result.requests[Phase.OUTAGE]),
            str(result.most_at_once),
            "-" if result.guards is None else str(result.guards.queued),
        ]
        for result in results
    ]
    return table(headings, rows, right=headings[1:])


def _of_metrics(results: Sequence[Result]) -> str:
    """Return what the metrics count and, in one line, how healthy the guards were."""
    reports = _reports(results)
    headings = ["the metrics", "", *reports]
    rows = [
        [what if is_first else "", which, *numbers]
        for what, samples in groupby(_samples(reports.values()), key=itemgetter(0))
        for is_first, (_, which, numbers) in zip(chain([True], repeat(False)), samples, strict=False)
    ]
    return f"{table(headings, rows, right=headings[2:])}\n\n{_in_short_health(reports)}"


def _samples(reports: Collection[GuardsReport]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield what is counted, which of it, and the counts of all runs."""
    for metric in METRICS:
        known = dict.fromkeys(labels for report in reports for labels in report.counts[metric])
        # Errors are told by category and code.
        for labels in sorted(known, key=itemgetter(0)) if metric == ERRORS else known:
            what = f"{metric} {labels[0]}" if metric == ERRORS else metric
            which = labels[1] if metric == ERRORS else " > ".join(labels)
            yield what, which, [str(report.counts[metric].get(labels, 0)) for report in reports]


def _in_short_health(reports: Mapping[str, GuardsReport]) -> str:
    worst = _by_door({door: report.worst_health or "not looked at" for door, report in reports.items()})
    end = _by_door({door: report.health for door, report in reports.items()})
    return f"get_health_status(): {worst} in the outage, {end} in the end"


def _by_door(told: Mapping[str, str]) -> str:
    """Return what is told of each door, in a word if it is the same.

    >>> _by_door({"threads": "healthy", "tasks": "healthy"}), _by_door({"threads": "healthy", "tasks": "degraded"})
    ('healthy', 'healthy (threads) and degraded (tasks)')
    """
    different = dict.fromkeys(told.values())
    return next(iter(different)) if len(different) == 1 else " and ".join(f"{it} ({door})" for door, it in told.items())


def _duration(seconds: float | None) -> str:
    """Return a duration in the unit that suits it; a dash if there is none.

    >>> _duration(0.00005123), _duration(0.0312), _duration(1.25), _duration(None)
    ('51 us', '31 ms', '1.2 s', '-')
    """
    if seconds is None:
        return "-"
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} us"
    return f"{seconds * 1e3:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _conclusion(results: Sequence[Result], plan: Plan) -> list[str]:
    """Return a paragraph for each way to be guarded, both doors taken together."""
    bare, retry, guarded = (
        [result for result in results if result.scenario.protection is protection] for protection in Protection
    )
    return [
        textwrap.fill(paragraph, width=79)
        for paragraph in (
            _in_short_bare(bare),
            _in_short_retry(retry, bare, plan),
            _in_short_policy(guarded, plan),
            _in_short_stalls(bare, retry, guarded, plan),
            _in_short_metrics(guarded),
        )
    ]


def _in_short_bare(bare: Sequence[Result]) -> str:
    lost, calls = sum(result.lost for result in bare), sum(result.calls for result in bare)
    return f"Without holdfast {lost} of {calls} calls were lost."


def _in_short_retry(retry: Sequence[Result], bare: Sequence[Result], plan: Plan) -> str:
    wait = middle(wait for result in retry for wait in result.waits(plan.outage))
    return (
        f"With a retry alone {_losses(retry)}. But in the outage the server got {_outage_load(retry)} requests instead "
        f"of {_outage_load(bare)}, up to {_most_at_once(retry)} at once, and a caller then waited {_duration(wait)} "
        "(median)."
    )


def _in_short_policy(guarded: Sequence[Result], plan: Plan) -> str:
    refusal = middle(wait for result in guarded for wait in result.refusals)
    reports = _reports(guarded).values()
    opened = sum(report.opened for report in reports)
    closed = sum(report.state is CircuitState.CLOSED for report in reports)
    answered = sum(result.count(*_ANSWERS, among=plan.afterwards) for result in guarded)
    return (
        f"With circuit breaker, bulkhead and timeout besides, all in one policy, it got {_outage_load(guarded)}, and "
        f"never more than {_most_at_once(guarded)} at once. The price: {_losses(guarded)}."
        f"{'' if refusal is None else f' In return, who was refused knew it in {_duration(refusal)} (median).'} "
        f"The circuits opened {'once' if opened == 1 else f'{opened} times'}; {closed} of {len(reports)} were closed "
        f"in the end, and {answered} of the {len(plan.afterwards) * len(guarded)} calls after the outage were answered."
    )


def _in_short_stalls(bare: Sequence[Result], retry: Sequence[Result], guarded: Sequence[Result], plan: Plan) -> str:
    reports = _reports(guarded)
    cut_short = sum(report.cut_short for report in reports.values())
    left_behind = " and ".join(f"{report.most_left_behind or 'none'} in {door}" for door, report in reports.items())
    in_the_end = sum(report.left_behind for report in reports.values())
    longest = max((wait for result in guarded for wait in result.waits()), default=None)
    return (
        f"Of the calls at which the server stalled, {_stalls(bare)} were answered without holdfast, {_stalls(retry)} "
        f"with a retry alone, and {_stalls(guarded)} under the policy, whose timeout cut {cut_short} "
        f"attempt{'' if cut_short == 1 else 's'} short after {_duration(plan.attempt_timeout)}. By that at most "
        f"{left_behind} were left behind at the same time, still running; in the end {in_the_end or 'none'}. The "
        f"longest call took {_duration(longest)} of the {_duration(RETRIES.total_timeout)} that it may take."
    )


def _in_short_metrics(guarded: Sequence[Result]) -> str:
    admitted = sum(report.admitted for report in _reports(guarded).values())
    came = sum(sum(result.requests.values()) for result in guarded)
    return (
        f"By the metrics the circuits let {admitted} attempts pass; the server counted {came} requests. "
        "prometheus_text() gives Prometheus these metrics, and get_health_status() is for a health endpoint."
    )


def _reports(results: Sequence[Result]) -> dict[str, GuardsReport]:
    """Return what was observed of the guards, by door."""
    return {result.scenario.door: result.guards for result in results if result.guards is not None}


def _stalls(results: Sequence[Result]) -> str:
    stalled = sum(len(result.stalled) for result in results)
    answered = sum(result.count(*_ANSWERS, among=result.stalled) for result in results)
    took = middle(wait for result in results for wait in result.waits(result.stalled))
    return f"{answered} of {stalled} (median wait {_duration(took)})"


def _losses(results: Sequence[Result]) -> str:
    causes: Counter[str] = Counter()
    for result in results:
        causes.update(result.lost_to)
    told = ", ".join(f"{count} to {cause}{_REMARKS.get(cause, '')}" for cause, count in causes.most_common())
    lost = causes.total()
    return f"{lost or 'none'} {'was' if lost < 2 else 'were'} lost{f' ({told})' if told else ''}"


def _outage_load(results: Sequence[Result]) -> int:
    return sum(result.requests[Phase.OUTAGE] for result in results)


def _most_at_once(results: Sequence[Result]) -> int:
    return max(result.most_at_once for result in results)


def render_json(results: Sequence[Result], plan: Plan) -> str:
    """Return the same as JSON: the plan, and one row per run."""
    told = asdict(plan) | {"outage": [plan.outage.start, plan.outage.stop]}
    return json.dumps({"plan": told, "runs": [_as_dict(result, plan) for result in results]}, indent=2)


def _as_dict(result: Result, plan: Plan) -> dict[str, Any]:
    guards = result.guards
    return {
        "run": result.scenario.name,
        "door": result.scenario.door,
        "client": result.scenario.client,
        "protection": result.scenario.protection,
        "calls": result.calls,
        "attempts": result.attempts,
        "answered": result.count(Outcome.ANSWERED),
        "recovered": result.count(Outcome.RECOVERED),
        "lost": result.lost,
        "refused": result.count(Outcome.REFUSED),
        "lost_to": dict(result.lost_to),
        "answered_after_outage": result.count(*_ANSWERS, among=plan.afterwards),
        "wait_in_outage": middle(result.waits(plan.outage)),
        "requests": {phase.value: count for phase, count in result.requests.items()},
        "most_at_once": result.most_at_once,
        "stalls": {
            "calls": len(result.stalled),
            "answered": result.count(*_ANSWERS, among=result.stalled),
            "wait": middle(result.waits(result.stalled)),
        },
        "longest_wait": max(result.waits(), default=None),
        "guards": None
        if guards is None
        else {
            "opened": guards.opened,
            "state": guards.state,
            "refused": guards.refused,
            "refusal": middle(result.refusals),
            "queued": guards.queued,
            "attempt_timeout": plan.attempt_timeout,
            "cut_short": guards.cut_short,
            "most_left_behind": guards.most_left_behind,
            "left_behind": guards.left_behind,
            "worst_health": guards.worst_health,
            "health": guards.health,
            "metrics": {
                metric: {" ".join(labels): number for labels, number in counts.items()}
                for metric, counts in guards.counts.items()
            },
        },
        "seconds": round(result.seconds, 3),
    }
