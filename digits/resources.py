"""Locate the files that belong to the code: the models and the page.

In a checkout they are beside the package. In an installed wheel they are inside it, under digits/bundled/, in the same
folders; pyproject.toml puts them there. It knows nothing of what the files hold.
"""

from pathlib import Path

PACKAGE_DIR = Path(__file__).resolve().parent
BUNDLED_DIR = PACKAGE_DIR / "bundled"
IS_INSTALLED = BUNDLED_DIR.is_dir()

# The folder that holds models/, web/ and demo.py.
RESOURCE_ROOT = BUNDLED_DIR if IS_INSTALLED else PACKAGE_DIR.parent


def install_command(extra: str) -> str:
    """Return the command that installs the packages of an extra of pyproject.toml."""
    return f'pip install "{"handwritten-digits" if IS_INSTALLED else "."}[{extra}]"'
