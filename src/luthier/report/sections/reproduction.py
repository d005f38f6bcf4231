"""Section of reproduction: seed, method, versions, and the code or command of the study."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from luthier import _names, codec
from luthier.problem import Fidelity
from luthier.render import literal
from luthier.report.document import Block, Code, Facts, Inline, Mono, Paragraph, ReportSection
from luthier.report.findings import Findings
from luthier.space import Space
from luthier.version import VERSION

_LIBRARIES = ("numpy", "scipy", "scikit-learn")


def reproduction(findings: Findings, command: str) -> ReportSection:
    """Say how to make the study again.

    Args:
        findings: of the study.
        command: that ran it; empty where it was run by a program.
    """
    reader = findings.reader
    history = reader.history
    made_by = history.created.version if history.created else ""
    rows: list[tuple[str, Inline]] = [
        ("seed", (Mono(str(reader.seed)),)),
        ("method", (Mono(method_code(reader.method_spec)),) if reader.method_spec else ("none was used yet",)),
        ("made by", (f"Luthier {made_by or 'of an unknown version'}",)),
        ("versions here", (_versions(),)),
    ]
    print_ = history.configured[1].fingerprint if history.configured else None
    if isinstance(print_, dict):
        rows.append(("proposals were made on", (Mono(", ".join(f"{key} {print_[key]}" for key in print_)),)))
    blocks: list[Block] = [Facts(tuple(rows))]
    if command:
        blocks.append(Code(command, "console", "The command that runs it, or goes on with it"))
    blocks.append(Code(study_code(findings), "python", "The study, as Python"))
    text = "The same seed, method and space propose the same trials, whatever the number of workers was: "
    blocks.append(Paragraph((text, Mono("luthier verify"), " makes every proposal again and compares."), "note"))
    return ReportSection("reproduce", "How to reproduce it", tuple(blocks))


def _versions() -> str:
    found = [f"Luthier {VERSION}", f"Python {platform.python_version()}"]
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, f"{platform.system()} {platform.machine()}"])


def study_code(findings: Findings) -> str:
    """Write the study as Python."""
    reader = findings.reader
    goals = findings.problem.objectives
    parts = [literal(reader.name), "space"]
    for word, names in (
        ("minimize", [goal.name for goal in goals if not goal.maximize]),
        ("maximize", [goal.name for goal in goals if goal.maximize]),
    ):
        if names:
            parts.append(f"{word}={literal(names[0] if len(names) == 1 else names)}")
    parts += [f"seed={reader.seed}"]
    parts += [f"method={method_code(reader.method_spec)}"] if reader.method_spec else []
    limits = {limit.name: limit.relation for limit in findings.problem.outcome_constraints}
    parts += [f"constraints={literal(limits)}"] if limits else []
    parts += ["noisy=True"] if findings.problem.noisy else []
    fidelity, configured = findings.problem.fidelity, reader.history.configured
    instances = findings.problem.instances
    if instances is not None:
        parts += [f"instances=lt.{instances!r}"]
    elif fidelity is not None:
        parts += [f"fidelity={_fidelity_code(fidelity)}"]
    parts += [f"stop={method_code(configured[1].stop)}"] if configured and configured[1].stop else []
    return f"import luthier as lt\n\nspace = {space_code(findings.problem.space)}\nstudy = lt.Study({', '.join(parts)})"


def _fidelity_code(fidelity: Fidelity) -> str:
    written = [f"lt.{one!r}" for one in fidelity.parts]
    return written[0] if len(written) == 1 else f"[{', '.join(written)}]"


def space_code(space: Space) -> str:
    """Write a space as Python that gives it back; objects behind registered names are given by their names."""
    plain = space.to_plain()
    lines = [f"    {literal(key)}: [\n{_listed(plain[key])}\n    ]," for key in plain if plain[key]]
    return "lt.Space.from_plain({\n" + "\n".join(lines) + "\n})"


def _listed(items: list[Any]) -> str:
    return "\n".join(f"        {literal(item)}," for item in items)


def method_code(plain: Any) -> str:
    """Write the text form of a method as Python: ``lt.Bayes(surrogate=lt.Forest())``."""
    if isinstance(plain, dict) and isinstance(plain.get("use"), str):
        name = plain["use"]
        public = any(name in names for names in _names.PUBLIC.values())
        settings = [f"{key}={method_code(item)}" for key, item in plain.items() if key != "use"]
        return f"{'lt.' if public else ''}{name}({', '.join(settings)})"
    if isinstance(plain, list):
        return f"[{', '.join(map(method_code, plain))}]"
    if isinstance(plain, dict) and not any(key.startswith("$") for key in plain):
        return f"{{{', '.join(f'{literal(key)}: {method_code(item)}' for key, item in plain.items())}}}"
    return literal(codec.from_plain(plain))
