"""pyproject.toml and the pinned requirements have the same packages: each pin is the lowest allowed version."""

import re
import tomllib

import pytest

from helpers.browser import PROJECT

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
EXTRAS = METADATA["optional-dependencies"]


def read_pins(file: str) -> set[str]:
    return set(re.findall(r"^[\w.,\[\]-]+==[\w.]+", (PROJECT / file).read_text(), re.MULTILINE))


def as_pins(dependencies: list[str]) -> set[str]:
    return {dependency.replace(">=", "==") for dependency in dependencies}


def test_requirements_pin_the_dependencies_and_the_extra_web():
    assert read_pins("requirements.txt") == as_pins(METADATA["dependencies"] + EXTRAS["web"])


def test_ray_requirements_pin_the_extra_ray():
    assert read_pins("requirements-ray.txt") == as_pins(EXTRAS["ray"])


def test_development_requirements_pin_the_extra_train():
    assert as_pins(EXTRAS["train"]) <= read_pins("requirements-dev.txt")


@pytest.mark.parametrize("package", METADATA["dependencies"])
def test_dependencies_allow_newer_versions(package):
    assert ">=" in package
