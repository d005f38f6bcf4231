"""Texts of users that must come out of every form as text, and as nothing else."""

from __future__ import annotations

import luthier as lt

TEXTS = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "\"'><svg onload=alert(3)>",
    "$x^2$ \\frac{a}{b} \\u003cb\\u003e",
    "a`b```c|d_e*f*",
    "@everyone #1 [x](javascript:alert(4)) ![i](http://evil.test/i.png)",
    "\u202egnp.exe",
    "שלום עולם",
    "]]> --> &amp;lt; &#60;",
    "{{7*7}} %s {0}",
    "\x1b[31mred\x07\x00".replace("\x00", ""),
    "line\nbreak\ttab\u2028separator",
    "=1+1",
    "<!--",
    "</title></style></textarea></pre>",
)


def hostile_study(trials: int = 4) -> lt.Study:
    """Make a study in which everything that a user may name, choose or raise is hostile."""
    space = {text: lt.Choice(*TEXTS) if place % 2 else lt.Float(0, 1) for place, text in enumerate(TEXTS)}
    study = lt.Study(TEXTS[0] + TEXTS[3], space, maximize=TEXTS[2], method=lt.Random(), seed=1)
    for number in range(trials):
        trial = study.ask()
        if number % 4 == 3:
            study.tell(trial, failed=f"{TEXTS[number % len(TEXTS)]}: {TEXTS[0]}\n{TEXTS[1]}")
        else:
            trial.report(0.5)
            study.tell(trial, {TEXTS[2]: 0.1 * number, TEXTS[1]: TEXTS[0]})
    return study
