"""The summary of all checks tells the truth."""

from __future__ import annotations

import sys

import pytest

import check


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], [*check.LINT, "pytest"]),
        (["--lint"], [*check.LINT]),
        (["tests/io", "-x"], ["pytest"]),
    ],
)
@pytest.mark.parametrize("failing", ["none", "pytest", "mypy"])
def test_fails_if_any_check_does(
    arguments: list[str],
    names: list[str],
    failing: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ran = []

    def pretend(name: str, command: list[str]) -> check.Outcome:
        ran.append((name, command))
        return check.Outcome(name, int(name == failing), 1.0)

    monkeypatch.setattr(check, "run", pretend)
    assert check.main(arguments) == int(failing in names)
    assert [name for name, _ in ran] == names
    if "pytest" in names:
        assert ran[-1][1][1:] == arguments or (not arguments and "-n" in ran[-1][1])
    summary = capsys.readouterr().out
    assert summary.count("passed") == len(names) - (failing in names)
    assert ("FAILED" in summary) == (failing in names)


def test_runs_programs_of_its_own_environment(capfd: pytest.CaptureFixture[str]) -> None:
    outcome = check.run("echo", ["python", "-c", "import sys; print(sys.prefix); sys.exit(3)"])
    assert outcome.code == 3
    assert sys.prefix in capfd.readouterr().out
