"""`make audit`: red for what nobody has accepted, and never silent about what was not audited."""

from typing import Any

from dev import audit

ANSWER: list[dict[str, Any]] = [
    {"name": "django", "version": "5.2.1", "vulns": [{"id": "PYSEC-1"}]},
    {"name": "requests", "version": "2.0", "vulns": []},
    {"name": "odd", "skip_reason": "not found"},
]


def test_a_vulnerability_is_red_until_it_is_accepted_with_a_reason() -> None:
    lines, code = audit.report([ANSWER, []], {})
    accepted, green = audit.report([ANSWER, []], {"PYSEC-1": "we call nothing of it"})

    assert (code, green) == (1, 0)
    assert lines[0] == "django 5.2.1: PYSEC-1 NOT ACCEPTED"
    assert accepted[0] == "django 5.2.1: PYSEC-1 accepted: we call nothing of it"


def test_the_last_line_counts_what_was_audited_and_what_was_not() -> None:
    lines, _ = audit.report([ANSWER, [{"name": "odd", "version": "1", "vulns": []}]], {})
    partly, _ = audit.report([ANSWER], {})

    assert lines[-1] == "3 packages audited, 0 not, 1 vulnerabilities not accepted"
    assert partly[-1] == "2 packages audited, 1 not, 1 vulnerabilities not accepted"


def test_services_that_are_away_are_red_in_ci_alone_and_say_so() -> None:
    lines, code = audit.report([[], []], {})
    _, code_in_ci = audit.report([[], []], {}, must_audit=True)
    _, code_of_some = audit.report([ANSWER, []], {"PYSEC-1": "we call nothing of it"}, must_audit=True)

    assert (code, code_in_ci, code_of_some) == (0, 1, 0)
    assert lines[0].startswith("NOTHING WAS AUDITED")
