"""The registry of names: what it lists exists, and what earlier versions wrote is still read."""

from __future__ import annotations

import dataclasses
import inspect
from importlib import import_module

import pytest

import luthier as lt
from luthier import _names
from luthier.method import from_plain, to_plain


@pytest.mark.parametrize("name", sorted(_names.STORED))
def test_what_a_log_may_name_is_a_dataclass_of_that_name_in_its_package(name: str) -> None:
    kind = getattr(import_module(_names.STORED[name]), name)
    assert dataclasses.is_dataclass(kind)
    assert kind.__name__ == name


@pytest.mark.parametrize("name", sorted(_names.PUBLIC_ALIASES))
def test_earlier_public_names_still_work_and_are_not_listed(name: str) -> None:
    assert getattr(lt, name) is getattr(lt, _names.PUBLIC_ALIASES[name])
    assert name not in lt.__all__
    assert name not in dir(lt)


def test_a_log_of_an_earlier_version_is_read() -> None:
    """What ``to_plain`` wrote at commit 5e0cf13, before names and settings changed."""
    written = {
        "use": "Auto",
        "initial": 4,
        "models": [{"use": "GP", "beliefs": {"use": "Beliefs", "log_length": 0.5}}],
        "doubters": [],
        "explorers": [{"use": "GP", "scaling": "half rank"}],
        "search": {"use": "Search", "scattered": 100},
    }
    read = from_plain(written)
    assert read == lt.Auto(
        initial=4,
        committee=(lt.GP(hyperpriors=from_plain({"use": "Hyperpriors", "log_length": 0.5})),),
        short_scale_models=(),
        exploring_models=(lt.GP(scaling="half rank"),),
        search=from_plain({"use": "AcquisitionOptimizer", "scattered": 100}),
    )
    assert to_plain(read)["committee"][0]["hyperpriors"] == {"use": "Hyperpriors", "log_length": 0.5}
    assert isinstance(
        from_plain(
            {"use": "Bayes", "acquisition": {"use": "Pareto", "acquisitions": [{"use": "EI"}, {"use": "PI"}]}}
        ).acquisition,
        lt.MACE,
    )


def test_every_alias_leads_to_a_name_that_exists() -> None:
    public = {name for names in _names.PUBLIC.values() for name in names}
    assert set(_names.PUBLIC_ALIASES.values()) <= public
    assert set(_names.STORED_ALIASES.values()) <= set(_names.STORED)
    for kind, settings in _names.SETTING_ALIASES.items():
        fields = {field.name for field in dataclasses.fields(getattr(import_module(_names.STORED[kind]), kind))}
        assert set(settings.values()) <= fields
        assert not set(settings) & fields


@pytest.mark.parametrize("scheme", sorted(_names.STORES))
def test_the_function_that_opens_a_store_takes_what_it_is_given(scheme: str) -> None:
    module, _, name = _names.STORES[scheme].partition(":")
    parameters = inspect.signature(getattr(import_module(module), name)).parameters
    assert [*parameters] == ["url", "must_exist"]
