"""``luthier run`` in processes of its own: budgets, exit codes, interruptions, and going on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from command_forks import Done, execute_in_fork, forks
from page_script import PYTHONPATH

import luthier as lt

OBJECTIVE = """
import pathlib, time

def loss(trial):
    with open("calls.txt", "a") as calls:
        calls.write(f"{trial.number}\\n")
    time.sleep(PAUSE)
    if trial["kind"] == "bad":
        raise ValueError("bad kind")
    return (trial["x"] - 1) ** 2 + trial.seed % 2
"""
STUDY = """\
[study]
name = "small"
minimize = "loss"
seed = 3
baseline = true

[objective]
python = "objective:loss"

[space]
x = {float = [-5, 5]}
kind = {choice = ["good", "bad"], weights = [3, 1]}

[budget]
trials = 12
"""


def luthier(*arguments: str, folder: Path, code: int = 0, alone: bool = False) -> Done:
    """Run a command in a fork of a process that has loaded what commands load, or one that starts from nothing."""
    if alone:
        command = [sys.executable, "-m", "luthier", *arguments]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        run = Done(ended.returncode, ended.stdout, ended.stderr)
    else:
        run = execute_in_fork(forks(PYTHONPATH), ["luthier", *arguments], folder)
    assert run.code == code, (run.stdout, run.stderr)
    assert "Traceback" not in run.stderr or code == 1
    return run


def write(folder: Path, study: str = STUDY, pause_s: float = 0.0) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "objective.py").write_text(OBJECTIVE.replace("PAUSE", str(pause_s)))
    (folder / "study.toml").write_text(study)
    return folder


def trials(folder: Path) -> list[tuple[Any, ...]]:
    with lt.Study("small", store=folder / "study.db") as study:
        return [(t.number, t["x"], t["kind"], str(t.reason), t.values.get("loss")) for t in study.trials]


def test_a_run_and_the_same_again(tmp_path: Path) -> None:
    write(tmp_path)
    first = luthier("run", folder=tmp_path, alone=True)
    assert first.stdout.startswith("small: 12 trials (")
    assert "; all wanted trials are done\n  best      loss " in first.stdout
    assert "\n  defaults  loss " in first.stdout
    assert first.stdout.endswith("}\nkept in study.db\n")
    assert "small  1/12  best loss 2 (trial 0): x=0  kind=good" in first.stderr
    assert "failed: ValueError: bad kind" in first.stderr
    assert trials(tmp_path)[0][1:3] == (0.0, "good")
    (tmp_path / "objective.py").write_text("raise SystemExit(9)")  # nothing left to do: not even imported
    again = luthier("run", folder=tmp_path, alone=True)
    assert again.stdout.splitlines()[1:] == first.stdout.splitlines()[1:]
    assert again.stderr == ""
    assert luthier("run", "--quiet", folder=tmp_path, alone=True).stdout == ""


@pytest.mark.slow
def test_options_replace_what_the_file_says(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("trials = 12", "time = 3600"))
    luthier("run", "study.toml", "--trials", "3", "--store", "other.db", "--workers", "2", "--quiet", folder=tmp_path)
    more = luthier("run", "--trials", "5", "--store", "other.db", folder=tmp_path)
    assert more.stdout.startswith("small: 5 trials")
    assert not (tmp_path / "study.db").exists()
    assert "the time is up" in luthier("run", "--time", "10ms", "--store", "other.db", folder=tmp_path).stdout
    assert "give seconds, or text" in luthier("run", "--time", "soon", folder=tmp_path, code=2).stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("objective:loss", "objective:los", "study.toml, line 8: the module 'objective'"),
        ("minimize", "minimise", "study.toml, line 3: [study] has no 'minimise' (did you mean 'minimize'?)"),
        ("trials = 12", "", "study.toml, line 14: say when the study is finished"),
        ("[budget]", '[store]\npath = "no/where.db"\n[budget]', "study.toml, line 15: there is no folder 'no'"),
    ],
)
def test_mistakes_exit_with_2(tmp_path: Path, old: str, new: str, said: str) -> None:
    write(tmp_path, STUDY.replace(old, new))
    assert f"luthier: {said}" in luthier("run", folder=tmp_path, code=2, alone=True).stderr


@pytest.mark.slow
def test_another_study_of_the_same_name_is_refused(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("trials = 12", "trials = 2"))
    luthier("run", folder=tmp_path)
    write(tmp_path, STUDY.replace("seed = 3", "seed = 4"))
    assert "has seed 3, not 4" in luthier("run", folder=tmp_path, code=1).stderr
    write(tmp_path, STUDY.replace("[-5, 5]", "[-5, 9]").replace("trials = 12", "trials = 3"))
    assert "searches another space" in luthier("run", folder=tmp_path, code=1).stderr
    assert luthier("run", "--change-space", folder=tmp_path).stdout.startswith("small: 3 trials")


@pytest.mark.slow
def test_a_study_without_a_single_value_exits_with_1(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace('["good", "bad"], weights = [3, 1]', '["bad", "bad2"]').replace("12", "2"))
    (tmp_path / "objective.py").write_text("def loss(trial):\n    return 'text'\n")
    failed = luthier("run", folder=tmp_path, code=1)
    assert "2 failed" in failed.stdout
    assert "none of the 2 trials has a value" in failed.stderr
    assert "return a number" in failed.stderr


@pytest.mark.slow
def test_a_study_whose_trials_are_all_paused_says_so(tmp_path: Path) -> None:
    write(tmp_path, STUDY.replace("trials = 12", "trials = 2").replace("[study]", "[study]\nfidelity = {n = [1, 9]}"))
    failed = luthier("run", folder=tmp_path, code=1)
    assert "none of the 2 trials has had a full evaluation yet, and 2 paused below it: run more" in failed.stderr


@pytest.mark.slow
def test_a_finite_space_ends_when_everything_was_tried(tmp_path: Path) -> None:
    study = STUDY.replace("x = {float = [-5, 5]}", "x = {int = [0, 2]}").replace("trials = 12", "")
    write(tmp_path, study)
    assert luthier("run", folder=tmp_path).stdout.startswith("small: 6 trials")
    assert "everything was tried" in luthier("run", folder=tmp_path).stdout


# --- commands ---------------------------------------------------------------------------------------

COMMAND = STUDY.replace('python = "objective:loss"', "OBJECTIVE").replace("trials = 12", "trials = 4")


@pytest.mark.slow
@pytest.mark.parametrize(
    "objective",
    [
        'command = "python train.py {x} {kind}"',
        'command = "python train.py {x} {kind} | sed \'s/^/loss: /\'"\nshell = true\nresult = {regex = "loss: (.*)"}',
        'command = ["python", "train.py"]\nresult = {json = "{luthier.folder}/out.json"}',
    ],
)
def test_commands(tmp_path: Path, objective: str) -> None:
    write(tmp_path, COMMAND.replace("OBJECTIVE", objective) + "[executor]\nworkers = 2\n")
    (tmp_path / "train.py").write_text(
        "import json, os, sys\n"
        "x = float(os.environ['LUTHIER_PARAM_x'])\n"
        "assert json.load(open(os.environ['LUTHIER_PARAMS']))['x'] == x\n"
        "assert sys.argv[1:] in ([], [str(x), os.environ['LUTHIER_PARAM_KIND']])\n"
        "json.dump({'loss': x * x}, open(os.environ['LUTHIER_FOLDER'] + '/out.json', 'w'))\n"
        "print(x * x)\n"
    )
    luthier("run", folder=tmp_path)
    found = trials(tmp_path)
    assert [row[3] for row in found] == ["done"] * 4
    assert all(row[4] == pytest.approx(row[1] ** 2) for row in found)


@pytest.mark.slow
def test_a_command_over_its_time_is_ended_with_all_it_started(tmp_path: Path) -> None:
    command = 'command = "python train.py"'
    write(
        tmp_path,
        COMMAND.replace("OBJECTIVE", command).replace("trials = 4", "trials = 1") + "[executor]\ntrial_time = 1\n",
    )
    child = "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(99)"
    (tmp_path / "train.py").write_text(
        f"import signal, subprocess, sys\nsignal.signal(15, signal.SIG_IGN)\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)\n"
    )
    failed = luthier("run", folder=tmp_path, code=1)
    assert "1 timeout" in failed.stdout
    assert_gone(int((tmp_path / "pid").read_text()))


def assert_gone(pid: int) -> None:
    for _ in range(500):
        try:
            os.kill(pid, 0)
            state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout
            if state.startswith("Z"):
                return
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


# --- interruptions ----------------------------------------------------------------------------------


def begin(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "luthier", "run"], cwd=folder, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for_calls(folder: Path, count: int) -> None:
    calls = folder / "calls.txt"
    for _ in range(6000):
        if calls.exists() and len(calls.read_text().split()) >= count:
            return
        time.sleep(0.01)
    raise AssertionError("the run does not run")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_exits_with_130_and_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    whole, stopped = write(tmp_path / "whole"), write(tmp_path / "stopped", pause_s=0.05)
    run = begin(stopped)
    wait_for_calls(stopped, 3)
    run.send_signal(number)
    _, said = run.communicate(timeout=60)
    assert run.returncode == 130
    how = "no new trials; waiting for those that run" if number == signal.SIGINT else "ending the running trials"
    assert f"{number.name}: {how}" in said
    assert "of 12 trials; the same command goes on" in said
    assert 3 <= len(trials(stopped)) < 12
    luthier("run", folder=stopped)
    luthier("run", folder=whole)
    assert trials(stopped) == trials(whole)
    calls = (stopped / "calls.txt").read_text().split()
    assert sorted(map(int, calls)) == list(range(12))  # drained: nothing ran twice


@pytest.mark.slow
def test_a_second_signal_ends_the_running_trials(tmp_path: Path) -> None:
    write(tmp_path, pause_s=60)
    run = begin(tmp_path)
    wait_for_calls(tmp_path, 1)
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    write(tmp_path, STUDY.replace("trials = 12", "trials = 1"))
    luthier("run", folder=tmp_path)
    assert [row[0] for row in trials(tmp_path)] == [0]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on(tmp_path: Path, workers: int) -> None:
    """SIGKILL of the whole process group, twice: one worker makes the very same trials; of two, each is proved."""
    study = f"{STUDY}[executor]\nworkers = {workers}\n"
    whole, killed = write(tmp_path / "whole", study), write(tmp_path / "killed", study, pause_s=0.05)
    for count in (3, 7):
        run = begin(killed)
        wait_for_calls(killed, count)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate(timeout=60)
        assert run.returncode == -signal.SIGKILL
    luthier("run", folder=killed)
    found = trials(killed)
    assert [row[0] for row in found] == list(range(12))
    assert {row[3] for row in found} <= {"done", "failed"}
    if workers == 1:
        luthier("run", folder=whole)
        assert found == trials(whole)
    assert "11 proposals proved, 1 given, 0 mismatches" in luthier("verify", folder=killed).stdout


@pytest.mark.slow
def test_on_a_terminal_there_is_a_live_bar(tmp_path: Path) -> None:
    import pty

    write(tmp_path, pause_s=0.05)
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    run = subprocess.Popen(
        [sys.executable, "-m", "luthier", "run"], cwd=tmp_path, env=environment, stdout=follower, stderr=follower
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not chunk:
            break
        shown += chunk
    assert run.wait(60) == 0
    assert b"\x1b[" in shown
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "━" in text
    assert "best loss" in text
    assert "eta" in text
    assert "small: 12 trials" in text


@pytest.mark.slow
def test_the_digits_example(tmp_path: Path) -> None:
    example = Path(__file__).parents[2] / "examples" / "digits.toml"
    store = str(tmp_path / "digits.db")
    done = luthier("run", str(example), "--trials", "3", "--store", store, folder=tmp_path)
    assert "  defaults  accuracy 0.98" in done.stdout
    best = json.loads(luthier("best", store, "--json", folder=tmp_path).stdout)
    assert 0.9 < best["values"]["accuracy"] <= 1
