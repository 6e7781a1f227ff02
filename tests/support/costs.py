"""What each task of support took in a browser: tests record it, and the run ends with a table of it."""

from typing import Any, NamedTuple

COST = "task"  # the name of a test's property that is a Cost


class Cost(NamedTuple):
    """`milliseconds` is the time that the task's pages took to load, all together."""

    task: str
    clicks: int
    fields: int
    pages: int
    milliseconds: int


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Each process sends its tests' properties with their reports."""
    reports = (report for report in terminalreporter.getreports("passed") if report.when == "call")
    costs = sorted(Cost(*value) for report in reports for name, value in report.user_properties if name == COST)
    if not costs:
        return
    terminalreporter.section("tasks of support")
    terminalreporter.line(f"{'task':<36} {'clicks':>6} {'fields':>6} {'pages':>6} {'ms':>6}")
    for cost in costs:
        terminalreporter.line(f"{cost[0]:<36} {cost[1]:>6} {cost[2]:>6} {cost[3]:>6} {cost[4]:>6}")
