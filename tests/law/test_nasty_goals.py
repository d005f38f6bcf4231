"""Whatever is given of fidelities, fronts, instances, costs and limits: refused with an error of Luthier's, or kept."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

import luthier as lt
from luthier.errors import LuthierError
from luthier.event import decode, encode
from luthier.method import from_plain
from nasty_values import VALUES

SPACE: dict[str, Any] = {"x": lt.Float(0, 1), "k": lt.Int(1, 9)}
Door = Callable[[Any], object]


def _study(goals: tuple[str, ...] = ("v",), **settings: Any) -> lt.Study:
    return lt.Study("s", SPACE, minimize=goals, **{"seed": 0, "method": lt.Random(), **settings})


def _two(**settings: Any) -> lt.Study:
    return _study(("v", "w"), **settings)


def _front() -> lt.Study:
    study = _two()
    for number in range(6):
        study.tell(study.ask(), {"v": number, "w": 5 - number + 0.5 * (number == 2), "m": number})
    return study


FRONT = _front()


def _keyed(key: Any, value: Any) -> dict[Any, Any]:
    try:
        return {key: value}
    except Exception:  # noqa: BLE001 - Python refuses the key
        return {}


def _of_trial(make: Callable[[], lt.Study], act: Callable[[lt.Study, Any, Any], object]) -> Door:
    def door(value: Any) -> lt.Study:
        study = make()
        act(study, study.ask(), value)
        return study

    return door


def _in_epochs() -> lt.Study:
    return _study(fidelity=lt.Fidelity("epochs", 1, 9))


def _raced(instances: Any) -> lt.Study:
    return _study(instances=instances)


DOORS: dict[str, Door] = {
    "reported values": _of_trial(_two, lambda s, t, v: t.report(v)),
    "reported value": _of_trial(_two, lambda s, t, v: t.report({"v": v, "w": 1.0})),
    "reported name": _of_trial(_two, lambda s, t, v: t.report({"v": 1.0, "w": 1.0, **_keyed(v, 1.0)})),
    "told values": _of_trial(_two, lambda s, t, v: s.tell(t, v)),
    "told value": _of_trial(_two, lambda s, t, v: s.tell(t, (v, 1.0))),
    "value at a rung": _of_trial(_in_epochs, lambda s, t, v: t.report(v)),
    "step at a rung": _of_trial(_in_epochs, lambda s, t, v: (t.report(1.0, v), s.tell(t, 1.0))),
    "value of a case": _of_trial(lambda: _raced(lt.Instances(["a", "b"])), lambda s, t, v: t.report(v)),
    "cost": _of_trial(lambda: _study(cost="d"), lambda s, t, v: s.tell(t, {"v": 1.0, "d": v})),
    "noted cost": _of_trial(lambda: _study(cost="d"), lambda s, t, v: t.set(d=v)),
    "limited": _of_trial(lambda: _study(constraints={"m": "<= 3"}), lambda s, t, v: s.tell(t, {"v": 1.0, "m": v})),
    "fidelity": lambda v: _study(fidelity=v),
    "fidelity's name": lambda v: _study(fidelity=lt.Fidelity(v, 1, 9)),
    "fidelity's low": lambda v: _study(fidelity=lt.Fidelity("epochs", v, 9)),
    "fidelity's high": lambda v: _study(fidelity=lt.Fidelity("epochs", 1, v)),
    "constraints": lambda v: _study(constraints=v),
    "constraint": lambda v: _study(constraints={"m": v}),
    "limited name": lambda v: _study(constraints=_keyed(v, "<= 3")),
    "cost's name": lambda v: _study(cost=v),
    "instances": lambda v: _raced(lt.Instances(v)),
    "instance": lambda v: _raced(lt.Instances(["a", v])),
    "features": lambda v: _raced(lt.Instances({"a": [1.0], "b": v})),
    "cutoff": lambda v: _raced(lt.Instances(["a", "b"], cutoff_s=v)),
    "rule": lambda v: _study(stop=v),
    "eta": lambda v: _study(fidelity=lt.Fidelity("epochs", 1, 9), stop=lt.ASHA(v)),
    "preferred": lambda v: FRONT.prefer(v, 0),
    "weights": lambda v: FRONT.choose(weights=v),
    "weight": lambda v: FRONT.choose(weights={"v": v, "w": 1.0}),
    "weighted": lambda v: FRONT.choose(weights={"v": 1.0, **_keyed(v, 1.0)}),
    "prices": lambda v: FRONT.choose(prices=v),
    "order": lambda v: FRONT.choose(order=v),
    "ordered": lambda v: FRONT.choose(order=["v", v]),
    "tolerances": lambda v: FRONT.choose(order=["v"], tolerances=v),
    "limits": lambda v: FRONT.knee(limits=v),
    "limit": lambda v: FRONT.knee(limits={"m": v}),
    "reference": lambda v: FRONT.hypervolume(v),
    "reference of one": lambda v: FRONT.hypervolume([v, 9.0]),
    "over": lambda v: _study().lead(v),
    "end rule": lambda v: _study().run(lambda trial: 1.0, trials=1, stop=v),
    "budget of cost": lambda v: _study().run(lambda trial: 1.0, trials=1, cost=v),
    "window": lambda v: _study().run(lambda trial: 1.0, trials=1, deterministic=v),
    "plain method": from_plain,
}


def _wrong(name: str, values: list[Any]) -> list[str]:
    """Give values through a door; what went wrong."""
    wrong = []
    for place, value in enumerate(values):
        said = f"{name}: {type(value).__name__} [{place}]"
        try:
            made = DOORS[name](value)
        except LuthierError as error:
            assert str(error)
            continue
        except Exception as error:  # noqa: BLE001 - what must not be
            wrong.append(f"{said}: {error!r}")
            continue
        if isinstance(made, lt.Study):
            for event in made.reader.events:
                assert encode(decode(encode(event))) == encode(event), said
            assert made.reader.summary()
            made.close()
    return wrong


def _sample(name: str, count: int) -> list[Any]:
    first = zlib.crc32(name.encode())
    return [VALUES[(first + place * 37) % len(VALUES)] for place in range(count)]


def test_some_values_through_every_door() -> None:
    assert not [wrong for name in DOORS for wrong in _wrong(name, _sample(name, 6))]


@pytest.mark.slow
@pytest.mark.parametrize("name", DOORS)
def test_all_values_through_every_door(name: str) -> None:
    assert not _wrong(name, VALUES)


def test_what_an_array_of_a_foreign_library_does_is_no_error_of_ours() -> None:
    class Broken:
        def tolist(self) -> list[float]:
            raise RuntimeError("the device is gone")

    study = _two()
    trial = study.ask()
    for act in (lambda: study.tell(trial, Broken()), lambda: trial.report(Broken())):
        with pytest.raises(lt.errors.InvalidResult, match="2 objectives"):
            act()
    assert study.tell(trial, [1.0, 2.0]).is_done


def test_a_volume_that_no_float_holds_is_infinite() -> None:
    assert FRONT.hypervolume([1e308, 1e308]).volume == float("inf")


def test_a_forecast_counts_trials() -> None:
    study = _study()
    for number in range(4):
        study.tell(study.ask(), float(number))
    with pytest.raises(lt.errors.InvalidSetting, match="number of further trials"):
        study.forecast(True)
