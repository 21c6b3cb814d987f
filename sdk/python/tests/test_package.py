"""The wheel as a user gets it: built, installed into an empty environment, and its README run."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import venv
import zipfile
from uuid import uuid4

import pytest

from conftest import PIN, WRONG, Server

PROJECT = pathlib.Path(__file__).resolve().parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def run(*command: object, cwd: pathlib.Path, **options: object) -> str:
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=300, **options  # type: ignore[call-overload]
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    # Built from the source distribution, so that this one is complete too.
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, PROJECT, cwd=out)
    assert len(list(out.glob("hydrapin-*.tar.gz"))) == 1
    (wheel,) = out.glob("hydrapin-*-py3-none-any.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: pathlib.Path, tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The Python of an environment that has the wheel, and httpx from the system."""
    folder = tmp_path_factory.mktemp("environment")
    venv.EnvBuilder(system_site_packages=True, with_pip=True).create(folder)
    python = folder / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-index", "--quiet", wheel, cwd=folder)
    return python


def test_what_is_in_the_wheel(wheel: pathlib.Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = [n for n in names if n.endswith("METADATA")]
        text = archive.read(metadata).decode()
    assert {"hydrapin/py.typed", "hydrapin/_generated/models.py", "hydrapin/receipts.py"} <= set(names)
    assert any(n.endswith("LICENSE") for n in names) and not any("test" in n for n in names)
    requires = re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE)
    assert [r for r in requires if "extra" not in r] in (["httpx (<1,>=0.23.3)"], ["httpx<1,>=0.23.3"])
    assert "Requires-Python: >=3.11" in text and "Provides-Extra: receipts" in text


def clean(**more: str) -> dict[str, str]:
    inherited = {n: v for n, v in os.environ.items() if not n.startswith(("HYDRAPIN_", "PYTHON"))}
    return {**inherited, **more}


def test_the_types_reach_a_user(installed: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (tmp_path / "right.py").write_text(
        "from hydrapin import AsyncRuntime, Grant, Runtime\n"
        "async def run(grant: Grant) -> int: return 1\n"
        "async def main(a: AsyncRuntime, r: Runtime) -> int:\n"
        "    n: int = r.guard({'skill': 's', 'role': 'owner', 'customer_id': 'c'}, lambda g: 1)\n"
        "    return n + await a.guard({'skill': 's', 'role': 'owner'}, run)\n"
    )
    (tmp_path / "wrong.py").write_text(
        "from hydrapin import Runtime\n"
        "def main(r: Runtime) -> None:\n"
        "    r.guard({'skill': 's', 'role': 'boss'}, lambda g: None)\n"
        "    r.guard({'skil': 's', 'role': 'owner'}, lambda g: None)\n"
        "    r.get_confirmation(5)\n"
    )
    mypy = [sys.executable, "-m", "mypy", "--strict", "--python-executable", installed]
    cache = ["--cache-dir", tmp_path / "cache"]
    run(*mypy, *cache, "right.py", cwd=tmp_path, env=clean())
    done = subprocess.run(
        [str(c) for c in [*mypy, *cache, "wrong.py"]], cwd=tmp_path, capture_output=True, text=True,
        env=clean(), timeout=300,
    )  # fmt: skip
    assert done.stdout.count("error:") >= 3, done.stdout + done.stderr
    assert "Found 3 errors" in done.stdout or "Found 4 errors" in done.stdout


def test_the_quick_start_runs_as_it_stands(
    server: Server, installed: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    exports = next(b for b in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) if "export" in b)
    assert re.findall(r"export (\w+)=", exports) == [
        "HYDRAPIN_URL", "HYDRAPIN_API_KEY", "HYDRAPIN_INSTANCE", "HYDRAPIN_RUNTIME_KEY",
    ]  # fmt: skip
    (tmp_path / "quickstart.py").write_text(re.findall(r"```python\n(.*?)```", README, re.DOTALL)[0])
    instance = uuid4()
    env = clean(
        HYDRAPIN_URL=server.url, HYDRAPIN_API_KEY=server.api_key, HYDRAPIN_INSTANCE=str(instance),
        HYDRAPIN_RUNTIME_KEY=server.runtime_key(instance),
    )  # fmt: skip
    # Without a terminal getpass reads standard input, with a warning.
    said = run(installed, "quickstart.py", cwd=tmp_path, env=env, input=f"{WRONG}\n{PIN}\n")
    assert "Incorrect, 4 left." in said and said.endswith("Sent 250.00 EUR.\n")
    said = run(installed, "quickstart.py", cwd=tmp_path, env=env, input=f"{WRONG}\n" * 5)
    assert "Not sent: not confirmed: incorrect_pin" in said


def test_every_snippet_of_the_readme_is_python() -> None:
    snippets = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(snippets) >= 4
    for snippet in snippets:
        compile(snippet, "README.md", "exec")


def test_every_reason_is_documented() -> None:
    from hydrapin._errors import REASONS

    rows = "\n".join(line for line in README.splitlines() if line.startswith("| `"))
    assert REASONS == {r for r in REASONS if f"`{r}`" in rows}
