"""What is recorded of the machine that searched."""

import platform
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

from autopeft.launch import environment


def test_it_tells_versions_and_hardware_but_not_whose_machine_it_was():
    told = environment()
    assert told["Python"] == platform.python_version()
    assert "torch " in told["packages"]
    assert "processors" in told["machine"]
    assert platform.node() not in " ".join(told.values())


def test_what_is_not_installed_is_missing(monkeypatch):
    def without_ray(name):
        if name == "ray":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(import_module("autopeft.launch.environment"), "version", without_ray)
    assert environment()["packages"].endswith("ray missing")
