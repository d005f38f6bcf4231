"""Study files: what they say, and every kind of mistake with its file, line, and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import luthier as lt
from luthier.cli.objective.python_function import Function
from luthier.cli.objective.shell_command import Command, JsonFile, LastLine, Pattern
from luthier.cli.program import program
from luthier.cli.studyfile.read import StudyFile, read_study
from luthier.errors import InvalidFile
from luthier.method.random import Random
from luthier.problem import Fidelity
from luthier.stop import ASHA, Median, Threshold

GOOD = """\
[study]
name = "small"
minimize = "loss"
seed = 7

[objective]
python = "train:loss"

[space]
x = {float = [0, 1]}
kernel = {choice = ["rbf", "poly"]}
degree = {int = [2, 5], when = "kernel == 'poly'"}
require = ["x <= 0.9"]

[method]
use = "Random"

[budget]
trials = 10

[store]
path = "small.db"

[executor]
workers = 2
"""


def read(folder: Path, text: str) -> StudyFile:
    file = folder / "study.toml"
    file.write_text(text, encoding="utf-8")
    return read_study(file)


def test_a_whole_file(tmp_path: Path) -> None:
    more = 'time = "10m"\ntarget = 0.1\nplateau = 5\n'
    limits = 'kind = "processes"\ntrial_time = "1m"\ntrial_memory = "2 GB"\n'
    plan = read(tmp_path, GOOD.replace("trials = 10\n", f"trials = 10\n{more}") + limits)
    assert (plan.name, plan.minimize, plan.maximize, plan.seed, plan.noisy) == ("small", ("loss",), (), 7, False)
    assert isinstance(plan.objective, Function)
    assert plan.space.names == ("x", "kernel", "degree")
    assert plan.space.constraints == ("x <= 0.9",)
    assert plan.method == Random()
    budget = plan.budget
    assert (budget.trials, budget.time_s, budget.target, budget.plateau) == (10, 600.0, 0.1, 5)
    assert Path(plan.store) == tmp_path / "small.db"
    assert (plan.workers, plan.kind, plan.trial_time_s, plan.trial_memory_mb) == (2, "processes", 60.0, 2000.0)


def test_a_short_file(tmp_path: Path) -> None:
    text = '[study]\nmaximize = ["a", "b"]\n[objective]\npython = "m:f"\n[space]\nx = {float = [0, 1]}\n'
    plan = read(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))
    assert (plan.name, plan.maximize, plan.seed, plan.method, plan.workers) == ("study", ("a", "b"), None, None, 1)
    assert Path(plan.store) == tmp_path / "study.db"


def command(objective: str) -> str:
    return GOOD.replace('python = "train:loss"\n', objective)


def test_commands(tmp_path: Path) -> None:
    plain = read(tmp_path, command('command = "python train.py --x {x} {luthier.seed}"\n')).objective
    assert isinstance(plain, Command)
    assert plain.result == LastLine()
    assert plain.folder == tmp_path
    listed = read(
        tmp_path, command('command = ["python", "a b.py", "{x}"]\nresult = {regex = "loss: (.*)"}\n')
    ).objective
    assert isinstance(listed, Command)
    assert listed.result == Pattern("loss: (.*)")
    shell = command('command = "python a.py {x} | tail -1"\nshell = true\nresult = {json = "{luthier.folder}/r"}\n')
    piped = read(tmp_path, shell).objective
    assert isinstance(piped, Command)
    assert piped.shell
    assert isinstance(piped.result, JsonFile)


# Each: what is replaced, by what, the line of the message, and what the message says.
MISTAKES = {
    "not toml": ('name = "small"', "name = small", 2, ["column 8", "not TOML", "quotation marks"]),
    "unfinished": ("workers = 2\n", "workers = ", 25, ["not TOML"]),
    "key twice": ("seed = 7", 'seed = 7\nname = "x"', 5, ["not TOML"]),
    "unknown table": ("[budget]", "[budgets]", 18, ["[budgets]", "did you mean 'budget'", "[executor]"]),
    "no table": ("[method]\n", "", 15, ["'use'", "{float = [0.0, 1.0]}"]),
    "top-level key": ("[study]\n", 'trials = 3\n[study]\n', 1, ["unknown trials", "[budget]"]),
    "no study": ('[study]\nname = "small"\nminimize = "loss"\nseed = 7\n', "", 1, ["no [study]", "luthier init"]),
    "no objective": ('[objective]\npython = "train:loss"\n', "", 1, ["no [objective]"]),
    "unknown key": ("seed = 7", "sed = 7", 4, ["no 'sed'", "did you mean 'seed'", "noisy"]),
    "no goal": ('minimize = "loss"\n', "", 1, ["minimize", "maximize"]),
    "no goal in the list": ('minimize = "loss"', "minimize = []", 3, ["minimize", "maximize"]),
    "value of a setting": ('use = "Random"', 'use = "Grid"\npoints = []', 17, ["grids"]),
    "endless simplex": ("x = {float = [0, 1]}", "x = {simplex = 99999999999999}", 10, ["2 to"]),
    "goal twice": ('minimize = "loss"', 'minimize = "loss"\nmaximize = ["loss"]', 3, ["named twice"]),
    "goal no text": ('minimize = "loss"', "minimize = 3", 3, ["minimize = 3", "text"]),
    "empty name": ('name = "small"', 'name = " "', 2, ["a text"]),
    "seed no number": ("seed = 7", "seed = 1.5", 4, ["seed = 1.5", "whole number from 0"]),
    "seed negative": ("seed = 7", "seed = -1", 4, ["whole number from 0"]),
    "noisy no flag": ("seed = 7", 'noisy = "yes"', 4, ["noisy = 'yes'", "true or false"]),
    "no python or command": ('python = "train:loss"', "shell = false", 6, ["python =", "command ="]),
    "both": ('python = "train:loss"', 'python = "train:loss"\ncommand = "x"', 8, ["not both"]),
    "python without colon": ('"train:loss"', '"train.loss"', 7, ["module:function"]),
    "result of python": ('"train:loss"', '"train:loss"\nresult = "last line"', 8, ["belongs to a command"]),
    "no kind": ("x = {float = [0, 1]}", "x = {flaot = [0, 1]}", 10, ["flaot", "did you mean 'float'"]),
    "empty range": ("float = [0, 1]", "float = [1, 0]", 10, ["x"]),
    "log of zero": ("float = [0, 1]", "log = true, float = [0, 1]", 10, ["log"]),
    "range no list": ("float = [0, 1]", "float = 3", 10, ["[smallest, largest]"]),
    "unknown setting": ("float = [0, 1]", "float = [0, 1], steps = 2", 10, ["steps"]),
    "default outside": ("float = [0, 1]", "float = [0, 1], default = 3", 10, ["default"]),
    "unknown name in condition": ("when = \"kernel ==", 'when = "kernle ==', 12, ["kernle", "kernel"]),
    "condition no expression": ("when = \"kernel == 'poly'\"", 'when = "kernel = 1"', 12, ["condition of 'degree'"]),
    "unknown name in constraint": ('"x <= 0.9"', '"x <= 0.9",\n"y < 1"', 14, ["'y'"]),
    "constraint no expression": ('["x <= 0.9"]', "[3]", 13, ["expression"]),
    "unknown method": ('"Random"', '"Randm"', 16, ["Randm", "did you mean 'Random'"]),
    "setting of method": ('use = "Random"', 'use = "Quasi"\nsequenc = "sobol"', 17, ["no setting 'sequenc'"]),
    "no trials": ("trials = 10", "trials = 0", 19, ["trials = 0", "from 1 on"]),
    "time": ("trials = 10", 'time = "10 parsecs"', 19, ["time", '"10m"']),
    "target": ("trials = 10", 'target = "low"', 19, ["a number"]),
    "store": ('path = "small.db"', "path = 3", 22, ["path = 3"]),
    "workers": ("workers = 2", "workers = 0", 25, ["from 1"]),
    "kind": ("workers = 2", 'kind = "process"', 25, ["did you mean 'processes'", "threads"]),
    "time of inline": ("workers = 2", 'kind = "inline"\ntrial_time = 3', 26, ["processes"]),
    "workers of inline": ("workers = 2", 'kind = "inline"\nworkers = 2', 26, ["one trial at a time"]),
    "memory of threads": ("workers = 2", 'kind = "threads"\ntrial_memory = 3', 26, ["processes"]),
    "memory": ("workers = 2", 'trial_memory = "lots"', 25, ["megabytes"]),
    "baseline": ("seed = 7", "baseline = 1", 4, ["true or false"]),
    "limit": ("seed = 7", "constraints = {mb = 512}", 4, ["constraints", "'<= 512'"]),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_file_line_and_what_is_allowed(tmp_path: Path, name: str) -> None:
    old, new, line, said = MISTAKES[name]
    assert old in GOOD
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path, GOOD.replace(old, new, 1))
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'study.toml'}, line {line}"), message
    assert not message[len(f"{tmp_path / 'study.toml'}, line {line}")].isdigit(), message
    for part in said:
        assert part in message


COMMANDS = {
    "empty": ('command = ""', 7, "program and its arguments"),
    "no text": ("command = 3", 7, "list of texts"),
    "quotes": ('command = "python \'a"', 7, "split into words"),
    "brace": ('command = "python {"', 7, "not a place for a value"),
    "unknown place": ('command = "python {kernle}"', 7, "did you mean 'kernel'"),
    "no program": ('command = "no-such-program-at-all {x}"', 7, "no program 'no-such-program-at-all'"),
    "no such script": ('command = "./train.sh {x}"', 7, "no such file, or not executable"),
    "program by variable": ('command = "{kernel} a"', 7, "cannot be a variable"),
    "shell no flag": ('command = "python {x}"\nshell = 1', 8, "true or false"),
    "quoted place": ("command = \"python '{x}'\"\nshell = true", 7, "stands inside of '"),
    "list for a shell": ('command = ["python"]\nshell = true', 7, "one text"),
    "result": ('command = "python"\nresult = "first line"', 8, '"last line"'),
    "result key": ('command = "python"\nresult = {regexp = "(x)"}', 8, "did you mean 'regex'"),
    "regex": ('command = "python"\nresult = {regex = "("}', 8, "not a regular expression"),
    "no group": ('command = "python"\nresult = {regex = "x"}', 8, "one group"),
    "named group": ('command = "python"\nresult = {regex = "(?P<acc>x)"}', 8, "not the objectives ['loss']"),
    "json place": ('command = "python"\nresult = {json = "{y}.json"}', 8, "{y} is not a variable"),
    "one json file for two": ('command = "python"\nresult = {json = "r.json"}', 8, "{luthier.folder}"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_mistake_in_a_command(tmp_path: Path, name: str) -> None:
    objective, line, said = COMMANDS[name]
    with pytest.raises(InvalidFile) as caught:
        read(tmp_path, command(f"{objective}\n"))
    message = str(caught.value)
    assert f"study.toml, line {line}: " in message
    assert said in message


def test_two_mistakes_about_more_than_one_key(tmp_path: Path) -> None:
    two = GOOD.replace('minimize = "loss"', 'minimize = ["a", "b"]').replace("trials = 10", "trials = 10\nplateau = 3")
    with pytest.raises(InvalidFile, match=r"line 20: plateau is for a study of one objective"):
        read(tmp_path, two)
    cyclic = GOOD.replace(
        "x = {float = [0, 1]}", 'x = {float = [0, 1], when = "y > 0"}\ny = {int = [0, 1], when = "x > 0"}'
    )
    with pytest.raises(InvalidFile, match=r"line 10: "):
        read(tmp_path, cyclic)
    with pytest.raises(InvalidFile, match=r"line 9: \[space\] has no variables"):
        read(tmp_path, GOOD[: GOOD.index("x = {")] + GOOD[GOOD.index("[method]") :])
    with pytest.raises(InvalidFile, match=r"line 1: study is a table: write \[study\]"):
        read(tmp_path, 'study = "x"\n')


def test_variables_in_a_table_of_their_own(tmp_path: Path) -> None:
    good = GOOD.replace("[space]\n", "[space.variables]\n").replace('require = ["x <= 0.9"]\n', "")
    assert read(tmp_path, good).space.names == ("x", "kernel", "degree")
    with pytest.raises(InvalidFile, match=r"line 10: .*smallest"):
        read(tmp_path, good.replace("float = [0, 1]", "float = 3"))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="there is no such file; `luthier init`"):
        read_study(tmp_path / "none.toml")
    with pytest.raises(InvalidFile, match="this is a folder"):
        read_study(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"a = 1\nb = '\xe9'\n")
    with pytest.raises(InvalidFile, match="line 2: not UTF-8"):
        read_study(tmp_path / "latin.toml")


FULL = (
    GOOD.replace("minimize", "noisy = false\nbaseline = false\nminimize")
    .replace('use = "Random"', 'use = "Grid"\npoints = 3\norder = "nested"')
    .replace(
        "x = {float = [0, 1]}",
        """x = {float = [1, 2], prior = {normal = [1, 2]}, log = false, default = 1.5}
picked = {subset = ["a", "b"], size = 1, default = ["a"]}
order = {permutation = ["a", "b"], default = ["a", "b"]}
shares = {simplex = ["a", "b"]}
size = {ordinal = [1, 2], default = 1}
flag = {bool = true, default = true}
fixed = {constant = 3}
nested = {choice = ["u", {value = "v", variables = {q = {int = [1, 2]}}}], weights = [1, 2]}""",
    )
    .replace("trials = 10", "trials = 10\ntime = 3\ntarget = 1\nplateau = 3")
)
FULL += 'kind = "processes"\ntrial_time = 1\ntrial_memory = 3\n'
OTHERS = ["-1", "1.5", "nan", '"x"', '""', "[]", "{}", "true", "1979-05-27", "[1]", '[["a"]]', "[nan, inf]", "{a = 1}"]


@pytest.mark.parametrize("python", [True, False])
def test_whatever_stands_in_the_place_of_a_value_is_read_or_refused_with_its_line(tmp_path: Path, python: bool) -> None:
    text = (
        FULL if python else FULL.replace('python = "train:loss"', 'command = "python {x}"\nshell = false\nresult = ""')
    )
    lines = text.split("\n")
    refused = 0
    for place, line in enumerate(lines):
        for match in re.finditer(r'(?<= = )(\[[^\]]*\]|"[^"]*"|[\w.]+|\{.*\})', line):
            for other in OTHERS:
                changed = line[: match.start()] + other + line[match.end() :]
                try:
                    read(tmp_path, "\n".join([*lines[:place], changed, *lines[place + 1 :]]))
                except InvalidFile as error:
                    refused += 1
                    assert re.match(r".*study\.toml, line \d+", str(error)), changed
    assert refused > 300


# --- functions --------------------------------------------------------------------------------------


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import sys

    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def load(folder: Path, name: str) -> object:
    objective = read(folder, GOOD.replace("train:loss", name)).objective
    assert isinstance(objective, Function)
    return objective.load()


def test_a_function_is_found_beside_the_file(beside: Path) -> None:
    (beside / "cli_train_a.py").write_text("class Best:\n    @staticmethod\n    def loss(trial):\n        return 1\n")
    assert load(beside, "cli_train_a:Best.loss")(None) == 1  # type: ignore[operator]


@pytest.mark.parametrize(
    ("module", "text", "name", "said"),
    [
        ("cli_train_b", "x = 1", "cli_train_z:loss", "no module 'cli_train_z' .did you mean 'cli_train_b'"),
        ("cli_train_c", "def loss(trial): ...", "cli_train_c:los", "has no 'los' .did you mean 'loss'.*it has loss"),
        ("cli_train_d", "loss = 3", "cli_train_d:loss", "is an int, not a function"),
        (
            "cli_train_e",
            "import cli_no_such",
            "cli_train_e:loss",
            "importing 'cli_train_e' fails: .*no_such.*line 1",
        ),
        ("cli_train_f", "def loss(:\n", "cli_train_f:loss", "SyntaxError.*line 1"),
        ("cli_train_g", "\n1 / 0", "cli_train_g:loss", "ZeroDivisionError: division by zero .*cli_train_g.py, line 2"),
    ],
)
def test_a_function_that_is_not_there(beside: Path, module: str, text: str, name: str, said: str) -> None:
    (beside / f"{module}.py").write_text(text)
    with pytest.raises(InvalidFile, match=f"line 7: .*{said}"):
        load(beside, name)


STOPPED = GOOD.replace("seed = 7", "seed = 7\nfidelity = {epochs = [1, 81]}") + '\n[stop]\nuse = "ASHA"\neta = 4\n'


def test_a_fidelity_and_a_rule(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(STOPPED)
    plan = read_study(path)
    assert (plan.fidelity, plan.stop) == (Fidelity("epochs", 1, 81), ASHA(eta=4))
    path.write_text(
        GOOD + '\n[stop]\nuse = "AnyOf"\nrules = [{use = "Median", after = 3}, {use = "Threshold", worst = 2.0}]\n'
    )
    assert read_study(path).stop == Median(after=3) | Threshold(2.0)
    path.write_text(GOOD)
    assert (read_study(path).fidelity, read_study(path).stop) == (None, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fidelity = {epochs = [1, 81]}\n", "", r"say fidelity = \{epochs"),
        ("[1, 81]", "[81, 1]", "line 5: .*low < high"),
        ("{epochs = [1, 81]}", "81", r"line 5: .*such as \{epochs"),
        ("{epochs = [1, 81]}", "{epochs = 81}", r"line 5: .*such as \{epochs"),
        ('"ASHA"', '"ASHAA"', "there is no rule 'ASHAA'"),
        ('"ASHA"\neta = 4', '"Random"', "no rule that stops trials"),
        ("eta = 4", "eta = 1", "line 3[0-9].*eta from 2 on"),
        ("eta = 4", "etta = 4", "no setting 'etta'"),
        ('use = "ASHA"', "", "say which rule"),
    ],
)
def test_a_mistake_in_a_rule_or_a_fidelity(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "study.toml"
    assert STOPPED.count(old) == 1
    path.write_text(STOPPED.replace(old, new))
    with pytest.raises(InvalidFile) as caught:
        read_study(path)
    assert re.search(said, str(caught.value)), caught.value


def test_a_source_may_have_other_names(tmp_path: Path) -> None:
    """A study file says what variables and objectives of another study are called in its own."""
    with lt.Study(
        "old", {"lr": lt.Float(0, 1), "flag": lt.Bool()}, maximize="acc", seed=0, store=tmp_path / "old.db"
    ) as old:
        for number in range(6):
            old.add({"lr": number / 10, "flag": True}, 1.0)
    text = """[study]
maximize = "score"
transfer = TRANSFER
[objective]
command = "echo {rate}"
[space]
rate = {float = [0, 1]}
[executor]
kind = "inline"
[budget]
trials = 1
"""

    def run(transfer: str) -> Result:
        (tmp_path / "new.toml").write_text(text.replace("TRANSFER", transfer), encoding="utf-8")
        return CliRunner().invoke(program, ["run", str(tmp_path / "new.toml"), "--quiet"])

    for wrong, why in (
        ("[5]", "a list of studies"),
        ('[{names = {lr = "rate"}}]', "names no study"),
        ('[{study = "old.db", name = {}}]', "did you mean 'names'"),
        ('[{study = "old.db", ignore = "flag"}]', "ignore = 'flag'"),
        ('"old.db"', r"names = {…}"),
        ('[{study = "old.db", names = {lr = 5}}]', "names to names, which are texts"),
    ):
        refused = run(wrong)
        assert refused.exception is not None and "line 3: " in str(refused.exception)
        assert why in str(refused.exception), refused.exception
    renamed = '[{study = "old.db", names = {lr = "rate"}, objectives = {acc = "score"}, ignore = ["flag"]}]'
    done = run(renamed)
    assert done.exit_code == 0, done.output
    with lt.Study("new", store=tmp_path / "new.db") as new:
        assert new.sources[0].variables == ("rate",) and len(new.sources[0].configs) == 6
