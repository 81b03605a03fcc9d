"""requirements.lock has every pin of requirements.txt and its dependencies, with hashes and without a registry."""

import re

from helpers.browser import PROJECT

LOCK = (PROJECT / "requirements.lock").read_text()


def test_every_pin_is_locked():
    pinned = re.findall(r"^[\w.-]+==[\w.]+", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    assert len(pinned) == 7
    assert [pin for pin in pinned if f"\n{pin} \\\n" not in LOCK] == []


def test_every_package_has_hashes():
    packages = re.split(r"\n(?=\S)", LOCK.partition("\n")[2].strip())
    assert len(packages) > 40
    assert [package for package in packages if not re.search(r"==\S+.*\\\n +--hash=sha256:[0-9a-f]{64}", package)] == []


def test_the_lock_names_no_registry():
    assert "://" not in LOCK
    assert "index" not in LOCK
