"""What is shipped is whole: the wheel runs alone, the source archive can be built again, the image is made right."""

from __future__ import annotations

import fnmatch
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.house.tree import ROOT, complain, tracked
from tests.support.gateway import RunningGateway

PROBE = """
import sys
from pathlib import Path
import flowrouter, flowrouter.app, flowrouter.cli.commands
from flowrouter.providers import catalog
from flowrouter.storage import upgrade
assert Path(flowrouter.__file__).is_relative_to(sys.prefix), flowrouter.__file__
assert len(list(catalog.packaged())) > 10
print(flowrouter.__version__)
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both archives, built from what is or would be committed."""
    folder = tmp_path_factory.mktemp("dist")
    checkout = folder / "checkout"
    for path in tracked():
        if path.parts[0] in {"src", "docs", "tools", "packaging", "requirements"} or len(path.parts) == 1:
            (checkout / path).parent.mkdir(parents=True, exist_ok=True)
            (checkout / path).write_bytes((ROOT / path).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=checkout, check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_the_wheel_holds_every_file_of_the_package(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if name.startswith("flowrouter/")}
    wanted = {str(path.relative_to("src")) for path in tracked() if path.parts[0] == "src"}
    assert any(name.endswith("schema.sql") for name in wanted)
    assert any(name.endswith("py.typed") for name in wanted)
    complain(sorted(wanted ^ inside), "The wheel and src/ differ.")


def test_the_wheel_works_where_the_checkout_is_not(built: Path, tmp_path: Path) -> None:
    """Installed into an empty environment, offline, with this one's packages beside it."""
    (wheel,) = built.glob("*.whl")
    place = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    # Behind the wheel's own packages, and without the file that makes the checkout importable.
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    program = f"import sys; sys.path += {theirs!r}\n{PROBE}"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [python, "-c", program], cwd=tmp_path, env=environ, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    script = (place / "bin" / "flow-router").read_text("utf-8")
    assert "from flowrouter.cli.main import main" in script
    assert done.stdout.decode().strip() in wheel.name


def test_the_source_archive_can_be_built_again(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        inside = {name.split("/", 1)[1] for name in opened.getnames() if "/" in name}
    needed = {"Makefile", "pyproject.toml", "README.md", "LICENSE", "Dockerfile", ".dockerignore"}
    needed |= {str(path) for path in tracked() if path.parts[0] in {"src", "docs", "tools", "packaging"}}
    complain(sorted(needed - inside), "The source archive lacks files.")


DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def instructions() -> list[tuple[str, str]]:
    """Return name and arguments of each instruction, lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_is_made_of_what_is_there() -> None:
    """Each COPY finds its files, and .dockerignore lets them through."""
    rules = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in {"", "#"}
    ]
    assert rules[0] == "*", "the context is an allow-list"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    problems = []
    for name, arguments in instructions():
        if name == "COPY" and "--from" not in arguments:
            for source in arguments.split()[:-1]:
                let_in = any(source == rule or fnmatch.fnmatch(source, f"{rule}/*") for rule in allowed)
                problems += [source] if not (ROOT / source).exists() or not let_in else []
    complain(problems, "The image copies what is missing or ignored.")


def test_the_image_keeps_to_the_rules() -> None:
    last = instructions()[max(i for i, (name, _) in enumerate(instructions()) if name == "FROM") :]
    given = dict(last)
    assert given["USER"].split(":")[0] not in {"0", "root"}
    assert given["VOLUME"] == "/data"
    assert 'CMD ["python", "-c"' in given["HEALTHCHECK"]
    assert given["ENTRYPOINT"] == '["flow-router"]'
    assert "pip" not in " ".join(arguments for name, arguments in last if name == "RUN")
    installs = re.findall(r"pip [^&]*install [^&]*", DOCKERFILE.replace("\\\n", " "))
    assert installs
    assert all("--require-hashes" in each or "--no-index" in each for each in installs)


def test_the_image_reports_its_health() -> None:
    """The command of HEALTHCHECK, run against a gateway and against nothing."""
    found = re.search(r'CMD \["python", "-c", "(.*)"\]', dict(instructions())["HEALTHCHECK"])
    assert found
    with RunningGateway() as gateway:
        environ = {"FLOW_ROUTER_SERVER_PORT": str(gateway.port), "no_proxy": "127.0.0.1"}
        command = [sys.executable, "-c", found[1]]
        assert subprocess.run(command, env=environ, check=False).returncode == 0
    assert subprocess.run(command, env=environ, capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("name", ["flow-router.service", "flow-router.user.service"])
def test_units_start_what_is_installed(name: str) -> None:
    unit = (ROOT / "packaging" / name).read_text("utf-8")
    (start,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert start.split()[0].endswith("/bin/flow-router")
    assert start.split()[1:] == ["serve"]
    assert "NoNewPrivileges=yes" in unit
    names = set(re.findall(r"^Environment=(\w+)", unit, re.MULTILINE))
    assert names <= {"FLOW_ROUTER_DATA"}
