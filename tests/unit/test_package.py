"""The package: a wheel with the models inside, installed into an empty environment, reads away from the checkout."""

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
from benchmarks.servers import free_port, wait_for
from digits.classifier import DEFAULT_MODEL
from digits.pages import DEFAULT_PAGE_MODEL
from helpers.browser import EXAMPLES, PROJECT

UV = [sys.executable, "-m", "uv", "--quiet"]

# What Python finds without an installation must not help here.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([*UV, "build", "--wheel", "--out-dir", folder, PROJECT], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The programs of an environment that has the wheel and its core dependencies, in their pinned versions."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([*UV, "venv", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    install = [*UV, "pip", "install", "--python", python, "--constraint", PROJECT / "requirements.txt", wheel]
    subprocess.run(install, check=True)
    return folder / "bin"


@pytest.fixture
def elsewhere(tmp_path) -> Path:
    """A folder outside of the checkout, with a picture of 4079."""
    shutil.copyfile(EXAMPLES / "5-4079.png", tmp_path / "photo.png")
    return tmp_path


def run(*command, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )


def test_the_wheel_holds_both_models_and_all_of_the_page(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        for model in (DEFAULT_MODEL, DEFAULT_PAGE_MODEL):
            assert archive.read(f"digits/bundled/models/{model.name}") == model.read_bytes()
    page = [path.relative_to(PROJECT) for path in (PROJECT / "web").rglob("*") if path.is_file()]
    page = [path for path in page if path.suffix not in (".pyc", ".pyi")]  # the latter are Gradio's, ignored by git
    assert len(page) > 50
    assert [path for path in page if f"digits/bundled/{path}" not in names] == []
    assert "digits/py.typed" in names


def test_the_wheel_takes_no_other_name_in_site_packages(wheel):
    with zipfile.ZipFile(wheel) as archive:
        top = {name.partition("/")[0] for name in archive.namelist()}
    assert top == {"digits", f"handwritten_digits-{digits.__version__}.dist-info"}


def test_the_command_reads_a_picture(installed, elsewhere, reader):
    done = run(installed / "digits", "--json", "photo.png", folder=elsewhere)
    assert done.stderr == ""
    assert json.loads(done.stdout) == reader.read(elsewhere / "photo.png").to_dict()


def test_the_library_reads_a_picture_without_gradio_and_tensorflow(installed, elsewhere):
    code = """if True:
        import importlib.util, digits
        print(digits.DigitReader().read("photo.png").text)
        print([name for name in ("gradio", "keras", "tensorflow") if importlib.util.find_spec(name)])
        print(digits.__file__)
    """
    done = run(installed / "python", "-c", code, folder=elsewhere)
    text, others, file = done.stdout.splitlines()
    assert (text, others) == ("4079", "[]")
    assert Path(file).is_relative_to(installed.parent)


def test_every_version_is_the_one_in_the_code(installed, elsewhere):
    assert run(installed / "digits", "--version", folder=elsewhere).stdout == f"digits {digits.__version__}\n"
    code = "from importlib.metadata import version; print(version('handwritten-digits'))"
    assert run(installed / "python", "-c", code, folder=elsewhere).stdout.strip() == digits.__version__


def test_without_gradio_the_page_is_one_sentence(installed, elsewhere):
    done = run(installed / "digits", "serve", folder=elsewhere)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == 'The page needs Gradio: pip install "handwritten-digits[web]"\n'


def test_the_page_of_a_wheel_reads_a_picture_and_names_its_version(wheel, elsewhere):
    # The wheel as it is installed, with the Gradio of this environment.
    unpacked = elsewhere / "site-packages"
    zipfile.ZipFile(wheel).extractall(unpacked)
    address = f"http://127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "digits", "serve", "--port", address.rpartition(":")[2]]
    log = elsewhere / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=elsewhere, env=ENVIRONMENT | {"PYTHONPATH": str(unpacked)}, stdout=output, stderr=output
        )
    try:
        wait_for(address, process)
        with urllib.request.urlopen(f"{address}/predict", (elsewhere / "photo.png").read_bytes()) as answer:
            assert json.load(answer)["text"] == "4079"
        with urllib.request.urlopen(f"{address}/gradio_api/info") as answer:
            description = json.load(answer)["named_endpoints"]["/predict"]["description"]
        assert description.endswith(f" Version {digits.__version__}.")
    finally:
        process.terminate()
        process.wait()
    assert "Traceback" not in log.read_text()
