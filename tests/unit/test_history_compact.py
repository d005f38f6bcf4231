"""What a long log keeps small: tickets, identities and digests are what they would be with all objects at hand."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import luthier as lt
from check_set import examples
from luthier.history import History, ticket_numbers
from luthier.history.shared_log import DIGEST, visible
from luthier.history.snapshot.plain_objects import from_plain, to_plain
from luthier.history.ticket_numbers import TicketNumbers

SPACE = lt.Space(
    {
        "x": lt.Float(-1, 1),
        "rate": lt.Float(1e-8, 10, log=True),
        "narrow": lt.Float(1e6, 1e6 + 1e-3),
        "step": lt.Float(0, 1, step=0.1),
        "n": lt.Int(1, 9),
        "kind": lt.Choice("a", 1.5, None),
    }
)
FLOATS = st.floats(-1, 1) | st.sampled_from([0.0, -0.0, 1, 0.1 + 0.2, 0.3]) | st.floats(-1, 1).map(np.float64)
CONFIGS = st.fixed_dictionaries(
    {"x": FLOATS, "rate": st.floats(1e-8, 10) | st.floats(1e-8, 10).map(lambda value: float(f"{value:.11e}"))},
    optional={
        "narrow": st.floats(1e6, 1e6 + 1e-3),
        "step": st.sampled_from([0.1, 0.30000000000000004, 0.3, 1]),
        "n": st.integers(1, 9),
        "kind": st.sampled_from(["a", 1.5, None]),
    },
)


@given(st.lists(CONFIGS, max_size=6), st.booleans())
@settings(max_examples=examples(150), deadline=None)
def test_identities_of_many_are_those_of_each(configs: list[dict[str, object]], rounded: bool) -> None:
    if rounded:  # as a method proposes them
        whole = [SPACE.plain({**SPACE.complete({}), **one}) for one in configs]
        configs = [*SPACE.decode(SPACE.encode(whole))] if whole else []
    assert SPACE.identities(configs) == [SPACE.identity(one) for one in configs]


def test_identities_of_many_in_a_conditional_space() -> None:
    space = lt.Space({"on": lt.Bool(), "x": lt.Float(0, 1, when="on")})
    configs = [{"on": True, "x": 0.1 + 0.2}, {"on": False, "x": 0.5}, {"on": True, "x": 0.3}]
    assert space.identities(configs) == [*map(space.identity, configs)]


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=80))
@settings(max_examples=examples(60), deadline=None)
def test_tickets_have_the_numbers_that_a_dictionary_would_have(steps: list[tuple[int, bool, bool]]) -> None:
    patch = pytest.MonkeyPatch()
    patch.setattr(ticket_numbers, "_MERGED", 5)
    model: dict[str, int | None] = {}
    found = TicketNumbers()
    for number, (name, begins, copies) in enumerate(steps):
        ticket = f"t{name}"
        if begins:
            model[ticket] = number
            found.begin(ticket, number)
        elif ticket not in model:
            model[ticket] = found.waiting[ticket] = None
        if copies:
            before, found = found, found.copy() if name % 2 else from_plain(to_plain(found))
            before.begin("another", 99)
    patch.undo()
    assert [found.get(f"t{name}") for name in range(31)] == [model.get(f"t{name}") for name in range(31)]
    assert all((f"t{name}" in found) == (f"t{name}" in model) for name in range(31)) and "another" not in found
    assert [*found.waiting] == [ticket for ticket, number in model.items() if number is None]


def chain(history: History) -> list[bytes]:
    """Hash every event after the one before it."""
    found = [b""]
    for event in history.events:
        seen = visible(event)
        found.append(hashlib.blake2b(found[-1] + seen, digest_size=DIGEST).digest() if seen else found[-1])
    return found


def test_digests_in_any_order_are_those_of_the_chain() -> None:
    study = lt.Study("s", {"x": lt.Float(0, 1)}, minimize="y", method=lt.Random(), seed=0)
    for number in range(150):
        trial = study.ask()
        if number % 9:
            study.tell(trial, number / 7)
    history = study.history
    wanted, order = chain(history), np.random.default_rng(0).permutation(history.length + 1)
    for length in [*order.tolist(), *range(history.length + 1)]:
        assert history.upto(length).digest == wanted[length]
    again = history.begin().extend(history.events)
    assert again.digest == wanted[-1] and again.fork().digest == wanted[-1] and again.upto(70).digest == wanted[70]
    assert len(history._log.digests) == DIGEST * (history.length // 64) and len(history._log.recent) <= 16
