"""The kinds of events in a study's log."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias, get_args

import msgspec

from luthier.key import Key

FORMAT = 1
"""The version of this vocabulary, stored in `Created`."""


class Created(msgspec.Struct, frozen=True, tag="created", omit_defaults=True, gc=False):
    """The study begins: what is optimized, and the seed of all its randomness. Always the first event.

    `constraints` are the limits of what the objective returns, as pairs such as ``("memory_mb", "<= 512")``; `cost`
    names what a trial costs; `beside` are the fidelities that go up together with `fidelity`; `instances` is what
    configurations are compared on, as `luthier.instances.Instances.to_plain` writes them.
    """

    name: str
    space: Any
    objectives: tuple[tuple[str, bool], ...]
    seed: int
    noisy: bool = False
    horizon: int | None = None
    format: int = FORMAT
    version: str = ""
    constraints: tuple[tuple[str, str], ...] = ()
    fidelity: tuple[str, int, int] | None = None
    cost: str | None = None
    instances: Any = None
    beside: tuple[tuple[str, int, int], ...] = ()


class Configured(msgspec.Struct, frozen=True, tag="configured", omit_defaults=True, gc=False):
    """From here on this method makes the proposals, and this rule stops trials: in their text form."""

    method: Any
    horizon: int | None = None
    fingerprint: Any = None
    stop: Any = None
    cost_budget: float | None = None


class Changed(msgspec.Struct, frozen=True, tag="changed", omit_defaults=True, gc=False):
    """From here on the study searches another space."""

    space: Any


class Transferred(msgspec.Struct, frozen=True, tag="transferred", omit_defaults=True, gc=False):
    """From here on results of another task are known, a source: in place of earlier ones of the same study.

    Args:
        source: the name of the study that they are from.
        origin: tells that study from others of its name, also when it has more results.
        variables: those of this study that the source had.
        configs: (r,) the values of these variables, in plain form.
        values: by the name of an objective of this study, (r,) values.
        infeasible: the places of the results that broke an outcome constraint there.
    """

    source: str
    origin: str
    variables: tuple[str, ...]
    configs: tuple[dict[str, Any], ...]
    values: dict[str, tuple[float, ...]]
    infeasible: tuple[int, ...] = ()


class Claimed(msgspec.Struct, frozen=True, tag="claimed", omit_defaults=True, gc=False):
    """A lease on the randomness of `count` numbers from `number` on, taken before a method begins to think.

    The method thinks from the first `seen` events. What is appended meanwhile does not spoil its proposals. They become
    trials, which are numbered in the order of their `Asked` events, as ever; these name the number that was claimed
    where it is not that of the trial.
    """

    number: int
    seen: int
    count: int = 1
    owner: str = ""
    ttl_s: float | None = None


class Asked(msgspec.Struct, frozen=True, tag="asked", omit_defaults=True, gc=False):
    """A trial begins.

    Args:
        number: of the trial.
        config: its configuration, in plain form.
        seen: the length of the log that the proposal was made from.
        origin: see `Trial.origin`.
        batch: (number of the first trial, size) of the proposals that were made in one call; None for a single one.
        owner: holds the lease.
        ttl_s: how long the lease lasts without renewal.
        note: what the method wrote down about its choice.
        ticket: the request that the trial fulfils.
        claim: the number that was claimed for the batch, where the batch has no trial of that number as its first.
        again: how many times the batch was drawn before, in vain: a configuration was asked for meanwhile.
        until: the units of the fidelity that the trial may spend before a scheduler decides; None: all.
        window: that of a deterministic run: the proposal was made from what was seen in the order of the trials (see
            `luthier.history.TrialOrder`).
        request: the ticket of the call that began it; such a call, repeated, begins nothing more.
    """

    number: int
    config: dict[str, Any]
    seen: int
    origin: str = "method"
    batch: tuple[int, int] | None = None
    owner: str = ""
    ttl_s: float | None = None
    note: dict[str, Any] = {}
    ticket: str = ""
    claim: int | None = None
    again: int = 0
    until: int | None = None
    window: int | None = None
    request: str = ""

    @property
    def first(self) -> int:
        """The number of the first trial of the batch."""
        return self.batch[0] if self.batch else self.number

    @property
    def place(self) -> int:
        """The place of the trial in its batch, from 0."""
        return self.number - self.first

    def stream(self, root: Key) -> Key:
        """Give the randomness that the method had for this batch; `root` is the key of the study."""
        return proposal_key(root, self.first if self.claim is None else self.claim, self.again)


class Retried(msgspec.Struct, frozen=True, tag="retried", omit_defaults=True, gc=False):
    """A waiting trial is run again, with its own configuration, under a new lease; for `request`, see `Asked`."""

    number: int
    owner: str = ""
    ttl_s: float | None = None
    request: str = ""


class Renewed(msgspec.Struct, frozen=True, tag="renewed", omit_defaults=True, gc=False):
    """The holder of a lease is alive. Read in logs of earlier versions; now renewals stand beside the log."""

    number: int
    token: int


class Freed(msgspec.Struct, frozen=True, tag="freed", omit_defaults=True, gc=False):
    """A lease ended without an outcome (``lost`` or ``interrupted``).

    A trial then waits to be run again, and claimed numbers to be claimed again. `ran_s` is how many seconds the holder
    was known to be alive, where it was renewed, and `cost` what the run cost in the unit of the study, where known.
    """

    number: int
    token: int
    reason: str
    error: str = ""
    ran_s: float | None = None
    cost: float | None = None


class Reported(msgspec.Struct, frozen=True, tag="reported", omit_defaults=True, gc=False):
    """A running trial has an intermediate value: that of the first objective, and those of the `others` in order.

    Of several objectives there may be the first alone, where no scheduler compares them all.
    """

    number: int
    token: int
    step: int
    value: float
    others: tuple[float, ...] = ()


class Pruned(msgspec.Struct, frozen=True, tag="pruned", omit_defaults=True, gc=False):
    """A rule (`by` its name) ends a running trial, whose value then `counts` or does not.

    Its objective is told so and returns. `seen` is the length of the log that was decided from.
    """

    number: int
    token: int
    seen: int
    by: str = ""
    counts: bool = False


class Paused(msgspec.Struct, frozen=True, tag="paused", omit_defaults=True, gc=False):
    """A scheduler pauses a running trial, whose objective is told so; from the end of its lease on it is paused."""

    number: int
    token: int
    seen: int
    by: str = ""


class Promoted(msgspec.Struct, frozen=True, tag="promoted", omit_defaults=True, gc=False):
    """A scheduler lets a running trial spend more, up to `until` units in all."""

    number: int
    token: int
    seen: int
    until: int
    by: str = ""


class Resumed(msgspec.Struct, frozen=True, tag="resumed", omit_defaults=True, gc=False):
    """A paused trial is promoted: it goes on under a new lease, up to `until` units in all."""

    number: int
    seen: int
    until: int
    owner: str = ""
    ttl_s: float | None = None
    request: str = ""


class Told(msgspec.Struct, frozen=True, tag="told", omit_defaults=True, gc=False):
    """A trial ended. Every trial has at most one of these, and one more each time that it was reopened."""

    number: int
    token: int
    reason: str
    values: dict[str, Any] = {}
    violations: dict[str, Any] = {}
    duration_s: float | None = None
    error: str = ""
    extra: dict[str, Any] = {}


class Reopened(msgspec.Struct, frozen=True, tag="reopened", omit_defaults=True, gc=False):
    """A person wants a trial that ended run again: it has no outcome any more, and waits for its next attempt."""

    number: int


class Forgotten(msgspec.Struct, frozen=True, tag="forgotten", omit_defaults=True, gc=False):
    """A person wants a trial that ended to count for nothing: it teaches nothing, and may be proposed again."""

    number: int


class Attributed(msgspec.Struct, frozen=True, tag="attributed", omit_defaults=True, gc=False):
    """A running trial has attributes: what its objective noted of it, by name; never the business of a method."""

    number: int
    token: int
    values: dict[str, Any] = {}


class Annotated(msgspec.Struct, frozen=True, tag="annotated", omit_defaults=True, gc=False):
    """A person gives the study notes or tags, in place of those that it had; None leaves them as they are."""

    notes: str | None = None
    tags: tuple[str, ...] | None = None


class Directed(msgspec.Struct, frozen=True, tag="directed", omit_defaults=True, gc=False):
    """A person gives an order to those who run the study (see `luthier.study.Order`).

    Args:
        order: ``go on``, ``pause``, ``stop`` or ``cancel``.
        worker: the holder of leases that is meant; empty for all of them.
        failures: how many trials in a row failed, where a worker pauses itself.
    """

    order: str
    worker: str = ""
    failures: int = 0


class Preferred(msgspec.Struct, frozen=True, tag="preferred", omit_defaults=True, gc=False):
    """A person prefers the trial `better` to the trial `worse`, all objectives considered."""

    better: int
    worse: int


class RunEnded(msgspec.Struct, frozen=True, tag="run ended", omit_defaults=True, gc=False):
    """A rule ended a run: more trials are not worth it. The study can be gone on with.

    Args:
        seen: the length of the log that was decided from.
        rule: in its text form.
        by: the name of the rule, or of that part of it which decided.
        figures: what was compared, by name.
    """

    seen: int
    rule: Any
    by: str
    figures: dict[str, Any] = {}


class Enqueued(msgspec.Struct, frozen=True, tag="enqueued", omit_defaults=True, gc=False):
    """A person wants this configuration tried next. `ticket` makes the request idempotent."""

    config: dict[str, Any]
    ticket: str


class SetAside(msgspec.Struct, frozen=True, tag="set aside", omit_defaults=True, gc=False):
    """What stands for an event that cannot be read, so that the log around it can. It is read, and never appended.

    Args:
        text: of the event, as it is stored.
        why: it cannot be read.
    """

    text: str
    why: str


Event: TypeAlias = (
    Created
    | Configured
    | Changed
    | Transferred
    | Claimed
    | Asked
    | Retried
    | Renewed
    | Freed
    | Reported
    | Pruned
    | Paused
    | Promoted
    | Resumed
    | Told
    | Reopened
    | Forgotten
    | Attributed
    | Annotated
    | Directed
    | Preferred
    | RunEnded
    | Enqueued
    | SetAside
)

VISIBLE = (Created, Changed, Transferred, Asked, Reported, Told, Reopened, Forgotten)
"""The kinds of events that reach a method."""

KINDS: dict[object, type] = {kind.__struct_config__.tag: kind for kind in get_args(Event) if kind is not SetAside}
"""The kinds of events by the names that stand in logs."""


class Record(NamedTuple):
    """An event in a store: `at` is when it was appended, in seconds since 1970 UTC on the store's clock."""

    at: float
    event: Event


def proposal_key(root: Key, number: int, again: int = 0) -> Key:
    """Give the randomness of the proposals for a number (and those after it), `again` where they are drawn anew."""
    key = root.of_trial(number)
    return key.fold("again", again) if again else key
