"""The wheel, installed in an empty environment, reads pictures without the checkout."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

import digits
from benchmarks.servers import free_port, wait_until_responding
from digits.classifier import DEFAULT_MODEL
from digits.pages import DEFAULT_PAGE_MODEL
from helpers.browser import EXAMPLES, PROJECT

UV = [sys.executable, "-m", "uv", "--quiet"]

# Without PYTHONPATH, so that Python does not find the checkout.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*UV, "build", "--wheel", "--out-dir", folder, PROJECT], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """Return the bin folder of an environment with the wheel and its core dependencies, in their pinned versions."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([*UV, "venv", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    install = [*UV, "pip", "install", "--python", python, "--constraint", PROJECT / "requirements.txt", wheel]
    subprocess.run(install, check=True)
    return folder / "bin"


@pytest.fixture
def photo_folder(tmp_path) -> Path:
    """Return a folder outside of the checkout, with a picture of 4079."""
    shutil.copyfile(EXAMPLES / "5-4079.png", tmp_path / "photo.png")
    return tmp_path


def run(*command, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )


def test_wheel_contains_both_models_and_the_whole_page(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for model in (DEFAULT_MODEL, DEFAULT_PAGE_MODEL):
            assert archive.read(f"digits/bundled/models/{model.name}") == model.read_bytes()
    page = [path.relative_to(PROJECT) for path in (PROJECT / "web").rglob("*") if path.is_file()]
    page = [path for path in page if path.suffix not in (".pyc", ".pyi")]  # Gradio writes .pyi files, which git ignores
    assert len(page) > 50
    assert [path for path in page if f"digits/bundled/{path}" not in names] == []
    assert "digits/py.typed" in names


def test_wheel_adds_only_digits_to_site_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    assert top == {"digits", f"handwritten_digits-{digits.__version__}.dist-info"}


def test_command_reads_a_picture(installed, photo_folder, reader):
    done = run(installed / "digits", "--json", "photo.png", folder=photo_folder)
    assert done.stderr == ""
    assert json.loads(done.stdout) == reader.read(photo_folder / "photo.png").to_dict()


def test_library_reads_a_picture_without_gradio_and_tensorflow(installed, photo_folder):
    code = """if True:
        import importlib.util, digits
        print(digits.DigitReader().read("photo.png").text)
        print([name for name in ("gradio", "keras", "tensorflow") if importlib.util.find_spec(name)])
        print(digits.__file__)
    """
    done = run(installed / "python", "-c", code, folder=photo_folder)
    text, others, file = done.stdout.splitlines()
    assert (text, others) == ("4079", "[]")
    assert Path(file).is_relative_to(installed.parent)


def test_every_version_is_the_version_in_the_code(installed, photo_folder):
    assert run(installed / "digits", "--version", folder=photo_folder).stdout == f"digits {digits.__version__}\n"
    code = "from importlib.metadata import version; print(version('handwritten-digits'))"
    assert run(installed / "python", "-c", code, folder=photo_folder).stdout.strip() == digits.__version__


def test_serve_command_without_gradio_prints_what_to_install(installed, photo_folder):
    done = run(installed / "digits", "serve", folder=photo_folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == 'The page needs Gradio: pip install "handwritten-digits[web]"\n'


def test_page_of_the_wheel_reads_a_picture_and_shows_its_version(wheel, photo_folder):
    # The wheel is unpacked as when installed, and runs with the Gradio of this environment.
    unpacked = photo_folder / "site-packages"
    zipfile.ZipFile(wheel).extractall(unpacked)
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "digits", "serve", "--port", address.rpartition(":")[2]]
    log = photo_folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=photo_folder, env=ENVIRONMENT | {"PYTHONPATH": str(unpacked)}, stdout=output, stderr=output
        )
    try:
        wait_until_responding(address, process)
        with urllib.request.urlopen(f"{address}/predict", (photo_folder / "photo.png").read_bytes()) as answer:
            assert json.load(answer)["text"] == "4079"
        with urllib.request.urlopen(f"{address}/gradio_api/info") as answer:
            description = json.load(answer)["named_endpoints"]["/predict"]["description"]
        assert description.endswith(f" Version {digits.__version__}.")
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in log.read_text()
