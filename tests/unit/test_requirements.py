"""pyproject.toml and the pinned requirements name the same packages: each pin is the lowest version that is allowed."""

import re
import tomllib

import pytest

from helpers.browser import PROJECT

METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
EXTRAS = METADATA["optional-dependencies"]


def pins(file: str) -> set[str]:
    return set(re.findall(r"^[\w.,\[\]-]+==[\w.]+", (PROJECT / file).read_text(), re.MULTILINE))


def pinned(dependencies: list[str]) -> set[str]:
    return {dependency.replace(">=", "==") for dependency in dependencies}


def test_a_space_installs_the_dependencies_and_the_extra_web():
    assert pins("requirements.txt") == pinned(METADATA["dependencies"] + EXTRAS["web"])


def test_a_cluster_installs_the_extra_ray():
    assert pins("requirements-ray.txt") == pinned(EXTRAS["ray"])


def test_training_is_tested_with_the_pins_of_the_extra_train():
    assert pinned(EXTRAS["train"]) <= pins("requirements-dev.txt")


@pytest.mark.parametrize("package", METADATA["dependencies"])
def test_a_program_that_uses_the_library_may_choose_newer_versions(package):
    assert ">=" in package
