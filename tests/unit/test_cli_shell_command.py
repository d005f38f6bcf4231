"""Objectives that are programs: what they get, and how their result is read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from luthier.cli.objective.shell_command import Command, JsonFile, LastLine, Pattern, environment_names
from luthier.cli.objective.template import check_shell, template, words
from luthier.errors import CommandFailed, InvalidResult, TrialPruned
from luthier.executor.protocol import Task
from luthier.executor.running_trial import RunningTrial

PARAMS = {"lr": 0.001, "kernel": "a b", "deep": True, "order": ("x", 2)}


def trial(**params: Any) -> RunningTrial:
    task = Task(3, 1, params or PARAMS, attempt=2, context={"study": "s", "seed": 99})
    return RunningTrial(task, lambda step, value: None, lambda: False)


def python(
    code: str, folder: Path, result: Any = None, names: tuple[str, ...] = tuple(PARAMS), tail: str = ""
) -> Command:
    script = folder / "script.py"
    script.write_text(code)
    parts = words(f"python script.py {tail}")
    return Command(parts, False, folder, result or LastLine(), environment_names(tuple(PARAMS)))


def test_arguments(tmp_path: Path) -> None:
    code = "import json, sys\nprint(json.dumps({'loss': 1, 'seen': sys.argv[1:]}))"
    run = python(code, tmp_path, tail="--lr={lr} {kernel} {deep} {order} --d {gone} {luthier.number} {luthier.seed}")
    assert run(trial()) == {"loss": 1, "seen": ["--lr=0.001", "a b", "true", '["x", 2]', "3", "99"]}


def test_environment_and_file(tmp_path: Path) -> None:
    code = """
import json, os, sys
found = {name: value for name, value in os.environ.items() if name.startswith("LUTHIER_")}
folder = found.pop("LUTHIER_FOLDER")
assert os.listdir(folder) == ["params.json"] and found["LUTHIER_PARAMS"].startswith(folder)
found["LUTHIER_PARAMS"] = json.load(open(found["LUTHIER_PARAMS"]))
found["folder"], found["cwd"], found["python"] = folder, os.getcwd(), sys.executable
print(json.dumps(found))
"""
    found = python(code, tmp_path)(trial())
    assert isinstance(found, dict)
    assert not Path(found.pop("folder")).exists()
    assert found.pop("cwd") == str(tmp_path)
    assert Path(found.pop("python")).parent == Path(sys.executable).parent
    assert found == {
        "LUTHIER_PARAMS": {"lr": 0.001, "kernel": "a b", "deep": True, "order": ["x", 2]},
        "LUTHIER_TRIAL": "3",
        "LUTHIER_ATTEMPT": "2",
        "LUTHIER_SEED": "99",
        "LUTHIER_UNTIL": "",
        "LUTHIER_STUDY": "s",
        "LUTHIER_PARAM_lr": "0.001",
        "LUTHIER_PARAM_LR": "0.001",
        "LUTHIER_PARAM_kernel": "a b",
        "LUTHIER_PARAM_KERNEL": "a b",
        "LUTHIER_PARAM_deep": "true",
        "LUTHIER_PARAM_DEEP": "true",
        "LUTHIER_PARAM_order": '["x", 2]',
        "LUTHIER_PARAM_ORDER": '["x", 2]',
    }


def test_environment_names_are_never_shared() -> None:
    assert environment_names(("C", "c", "a.b", "a_b", "é")) == {
        "C": ("LUTHIER_PARAM_C",),
        "c": ("LUTHIER_PARAM_c",),
        "a.b": (),
        "a_b": (),
        "é": ("LUTHIER_PARAM__",),
    }


def test_a_shell(tmp_path: Path) -> None:
    line = 'echo {kernel} | tr a-z A-Z | sed "s/A B/7/"'
    run = Command((check_shell(line),), True, tmp_path, LastLine())
    assert run(trial()) == 7
    with pytest.raises(InvalidResult, match="not a number"):
        run(trial(kernel="$(echo 8)"))


@pytest.mark.parametrize(
    ("printed", "value"), [("a\n0.5\n\n", 0.5), ("1e3", 1000.0), ('x\n{"loss": 2}', {"loss": 2}), ("inf", float("inf"))]
)
def test_last_line(printed: str, value: object) -> None:
    assert LastLine().read(printed, Path(), {}) == value


@pytest.mark.parametrize(
    ("printed", "why"), [("\n", "printed nothing"), ("loss 3", "no.* a number"), ("{", "not JSON")]
)
def test_last_lines_that_are_no_result(printed: str, why: str) -> None:
    with pytest.raises(InvalidResult, match=why):
        LastLine().read(printed, Path(), {})


def test_pattern() -> None:
    assert Pattern(r"^loss: (\S+)$").read("loss: 1\nloss: 2\nend", Path(), {}) == 2
    assert Pattern(r"(?P<a>\d) (?P<b>\d)").read("3 4", Path(), {}) == {"a": 3, "b": 4}
    with pytest.raises(InvalidResult, match="nothing that matches"):
        Pattern("x(.)").read("y", Path(), {})
    with pytest.raises(InvalidResult, match="not a number"):
        Pattern("x(.)").read("xy", Path(), {})


def test_json_file(tmp_path: Path) -> None:
    code = "import os\nopen(os.environ['LUTHIER_FOLDER'] + '/r.json', 'w').write('{\"loss\": 4}')"
    assert python(code, tmp_path, JsonFile(template("{luthier.folder}/r.json")))(trial()) == {"loss": 4}
    (tmp_path / "old.json").write_text("1")
    with pytest.raises(InvalidResult, match="did not write its result"):
        python("", tmp_path, JsonFile(template("old.json")))(trial())


def test_failures(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"exit code 3: to err\Z"):
        python("import sys\nprint('out')\nsys.exit('to err' and (sys.stderr.write('to err'), 3)[1])", tmp_path)(trial())
    with pytest.raises(CommandFailed) as error:  # the one line that is shown says what was wrong
        python("open('none.txt')", tmp_path)(trial())
    first, second = str(error.value).splitlines()[:2]
    assert first.endswith("No such file or directory: 'none.txt'") and second.startswith("Traceback")
    with pytest.raises(CommandFailed, match="killed by SIGKILL: it printed nothing"):
        python("import os\nos.kill(os.getpid(), 9)", tmp_path)(trial())
    with pytest.raises(CommandFailed, match="cannot be started: No such file"):
        Command(words("./nothing"), False, tmp_path, LastLine())(trial())


def test_much_output_is_read_to_its_end(tmp_path: Path) -> None:
    code = "import sys\nfor _ in range(300): print('x' * 9999); sys.stderr.write('y' * 9999)\nprint(5)"
    assert python(code, tmp_path)(trial()) == 5


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """A process that a command leaves in the background holds its output open: it is ended with the command."""
    code = "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    pid = python(code, tmp_path)(trial())
    assert isinstance(pid, float)
    _gone(int(pid))


def test_an_exception_ends_the_whole_group(tmp_path: Path) -> None:
    """How a worker ends a trial: a signal raises in the objective, and the command and its children go."""
    code = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import os, time; "
    code += 'open("pid", "w").write(str(os.getpid())); time.sleep(60)\'])'

    class Stop(BaseException):
        pass

    def stop(*_: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    try:
        waiter = threading.Thread(target=_signal_when, args=(tmp_path / "pid",))
        waiter.start()
        with pytest.raises(Stop):
            python(code, tmp_path)(trial())
        waiter.join()
    finally:
        signal.signal(signal.SIGUSR1, before)
    _gone(int((tmp_path / "pid").read_text()))


def test_a_trial_that_is_told_to_stop_ends_its_command(tmp_path: Path) -> None:
    """How a trial in a thread ends, which cannot be killed."""
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\nos.close(1)\ntime.sleep(60)"
    file = tmp_path / "pid"
    told = RunningTrial(Task(0, 1, PARAMS), lambda step, value: None, lambda: file.exists() and bool(file.read_text()))
    with pytest.raises(TrialPruned):
        python(code, tmp_path)(told)
    _gone(int(file.read_text()))


def test_no_command_outlives_its_python(tmp_path: Path) -> None:
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    (tmp_path / "script.py").write_text(code)
    program = f"""
import os, pathlib, threading, time
from luthier.cli.objective.shell_command import Command, LastLine
from luthier.cli.objective.template import words
from luthier.executor.running_trial import RunningTrial
from luthier.executor.protocol import Task

folder = pathlib.Path({str(tmp_path)!r})
run = Command(words("python script.py"), False, folder, LastLine())
trial = RunningTrial(Task(0, 1, {{}}), lambda step, value: None, lambda: False)
threading.Thread(target=run, args=(trial,), daemon=True).start()
while not (folder / "pid").exists() or not (folder / "pid").read_text():
    time.sleep(0.01)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    _gone(int((tmp_path / "pid").read_text()))


def _signal_when(file: Path) -> None:
    while not file.exists() or not file.read_text():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGUSR1)


def _gone(pid: int) -> None:
    for _ in range(500):
        state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
        if not state or state.startswith("Z"):
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def test_a_command_can_be_sent_to_a_worker(tmp_path: Path) -> None:
    import cloudpickle

    run = python("print(6)", tmp_path)
    again = cloudpickle.loads(cloudpickle.dumps(run))
    assert again == run
    assert again(trial()) == 6
    assert json.dumps(again(trial())) == "6.0"


def test_what_a_program_prints_is_kept_in_the_folder_of_its_trial(tmp_path: Path) -> None:
    """As it comes, of each attempt, also where it fails; a stream without a word makes no file."""
    script = "import os, sys; print('out', os.environ['LUTHIER_ATTEMPT'], 3); sys.exit(int(sys.argv[1]))"
    command = Command(
        (template(sys.executable), template("-c"), template(script), template("{x}")), False, tmp_path, LastLine()
    )
    folder = tmp_path / "s.db.trials" / "s-1" / "00004"
    for attempt, code in ((1, 5), (2, 0)):
        task = Task(4, 1, {"x": code}, attempt=attempt, context={"folder": str(folder)})
        running = RunningTrial(task, lambda step, value: None, lambda: False)
        if code:
            with pytest.raises(CommandFailed, match=rf"exit code 5 \(what it printed is in {folder}\)"):
                command(running)
        else:
            with pytest.raises(InvalidResult):
                command(running)
    assert (folder / "stdout.txt").read_text() == "out 1 3\n" and (folder / "stdout-2.txt").read_text() == "out 2 3\n"
    assert sorted(file.name for file in folder.iterdir()) == ["params.json", "stdout-2.txt", "stdout.txt"]
