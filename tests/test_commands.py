"""Every command in the README and in results/README.md: whether it parses, and whether it runs.

That it parses, and that its recipe takes its settings, is tested each time. `make test-commands`
runs them all, at smoke scale, on files made here in place of a reader's own.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from tests.datasets.captures import capture

from hertzian.cli.app import build
from hertzian.deployment.litert_conversion import ENVIRONMENT
from hertzian.experiments import load_recipe
from hertzian.experiments.peers import gnuradio
from hertzian.recordings import open_recording
from hertzian.signal import HertzianError

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "results/README.md")

# What is written so in a sentence names a verb or a way to call it, and lacks what it works on.
MENTIONED = {"hertzian classify -", "hertzian zeroshot", "hertzian run RECIPE --scale SCALE"}

_LINE = re.compile(r"^(?:\$ |(?P<before>[a-z_]+ [^|]*)\| )?(?P<command>hertzian [^#]*)")
_INLINE = re.compile(r"`(hertzian [^`]+)`")

DESCRIPTION = """\
12-APSK:
  rings:
    - {points: 4, radius: 1, turn: 0.125}
    - {points: 8, radius: 2.4, turn: 0.0625}
"""


def parts_of(text):
    """Return the lines of code blocks without a language, and the text outside all blocks."""
    blocks, outside, fence = [], [], None
    for line in text.splitlines():
        if line.startswith("```"):
            fence = line[3:] if fence is None else None
        elif fence is None:
            outside.append(line)
        elif not fence:
            blocks.append(line)
    return blocks, "\n".join(outside)


def in_blocks(text):
    """Return the commands of code blocks, in their order."""
    lines, _ = parts_of(text)
    return list(dict.fromkeys(m["command"].strip() for line in lines if (m := _LINE.match(line))))


def in_sentences(text):
    return list(dict.fromkeys(_INLINE.findall(parts_of(text)[1])))


TEXTS = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
BLOCKS = [command for text in TEXTS.values() for command in in_blocks(text)]
SENTENCES = sorted({c for text in TEXTS.values() for c in in_sentences(text)} - MENTIONED)


def parsed(command):
    """Return a command's verb and its options as its function gets them; wrong use raises."""
    words = shlex.split(command)[1:]
    group = typer.main.get_command(build())
    context = group.make_context("hertzian", list(words), resilient_parsing=False)
    path = []
    while hasattr(group, "commands"):
        rest = [*context._protected_args, *context.args]
        name, group, rest = group.resolve_command(context, rest)
        path.append(name)
        context = group.make_context(name, list(rest), parent=context)
    return " ".join(path), context.params


def test_there_are_commands_to_test():
    assert len(BLOCKS) > 15
    assert len(SENTENCES) > 20
    assert "hertzian zeroshot seven.h5 --describe new.yaml --on heard.h5" in BLOCKS
    assert any("bench training" in command for command in SENTENCES)


@pytest.mark.parametrize("command", sorted({*BLOCKS, *SENTENCES} - {"hertzian --help"}))
def test_it_is_used_rightly(command):
    verb, options = parsed(command)
    if verb == "run":
        load_recipe(options["recipe"], options["scale"], options["overrides"] or ())


# --- running them ---------------------------------------------------------------------------------


def _fewer(number):
    return f"={max(int(number[1]) // 200, 1)}"


def at_smoke_scale(command):
    """Return the words of a command, after `hertzian`, that do the same with less of everything."""
    words = shlex.split(command)[1:]
    words = [re.sub(r"^(runs/[a-z0-9-]+)-(small|full)$", r"\1-smoke", word) for word in words]
    if words[0] == "run":
        words = [re.sub(r"=(\d+)$", _fewer, word) for word in words]
        if "--scale" in words:
            words[words.index("--scale") + 1] = "smoke"
        else:
            words += ["--scale", "smoke"]
    if words[0] == "synth" and "--per" not in words:
        words += ["--per", "20"]
    if words[0] == "bench":
        words = [word for word in words if word != "--large"] + ["--quick"]
        if "--litert" in words:  # an environment that the reader has made
            del words[words.index("--litert") : words.index("--litert") + 2]
    return words


def hertzian(folder, *words, stdin=None):
    done = subprocess.run(
        [sys.executable, "-m", "hertzian", *map(str, words)],
        cwd=folder,
        input=stdin,
        capture_output=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, f"{words}: {done.stderr.decode()[-2000:]}"
    return done.stdout.decode()


def keyed_carrier(path, seed):
    """Write a capture such as a cheap receiver makes of a remote."""
    random = np.random.default_rng(seed)
    keyed = np.repeat(random.integers(2, size=100), 500) * np.exp(
        2j * np.pi * 0.11 * np.arange(50_000)
    )
    noise = random.normal(size=(50_000, 2)) @ [1, 1j]
    iq = np.pad(60 * keyed, (20_000, 20_000)) + np.resize(2 * noise, 90_000)
    raw = np.stack([iq.real, iq.imag], axis=1) + 127.5
    raw.clip(0, 255).astype(np.uint8).tofile(path)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A folder with files such as the commands name."""
    folder = tmp_path_factory.mktemp("reader")
    for number in range(1, 31):
        keyed_carrier(folder / f"g{number:03}_433.92M_250k.cu8", number)
    for seed in range(6):
        capture(folder / "captures" / f"{seed}.sigmf-meta", ("QPSK", "2FSK", "FMCW"), seed)
    capture(folder / "new.sigmf-meta", ("QPSK", "FMCW"), 9)
    (folder / "new.yaml").write_text(DESCRIPTION)
    some = ("--snr", "10,14")
    hertzian(folder, "synth", "sigzsl-7", "seven.h5", "--per", 30, *some)
    hertzian(folder, "synth", "linear", "heard.h5", "--per", 2, "--seed", 7, *some)
    hertzian(folder, "synth", "possible-6-1024", "scales.h5", "--per", 5, *some)
    hertzian(folder, "synth", "radcom-awgn", "train.h5", "--per", 10, *some)
    hertzian(folder, "synth", "rml2016-10a-corrected", "windows.h5", "--per", 5, *some, "--seed", 5)
    rows = ["file,format,sample_rate_hz,modulation,family"]
    rows += [f"g{number:03}_433.92M_250k.cu8,cu8,250000,OOK,ask" for number in range(1, 31)]
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def name_clusters(folder):
    """Do what a reader does between the two calls of `cluster`."""
    file = folder / "runs" / "cluster-captures" / "clusters.json"
    names = dict.fromkeys(json.loads(file.read_text()), "2FSK")
    file.write_text(json.dumps(names))


def need(find):
    """Skip, with its message, where another Python that a command calls is not installed."""
    try:
        find()
    except HertzianError as error:
        pytest.skip(str(error))


@pytest.mark.commands
def test_the_code_blocks_run_one_after_the_other(place):
    for command in BLOCKS:
        if ".tflite" in command:
            continue  # below, where it is skipped in sight
        if "--names" in command:
            name_clusters(place)
        stdin = None
        if command.startswith("hertzian classify -"):
            stdin = (place / "g001_433.92M_250k.cu8").read_bytes()
        hertzian(place, *at_smoke_scale(command), stdin=stdin)
    assert (place / "out.html").stat().st_size > 10_000


@pytest.mark.commands
def test_the_python_of_the_readme_runs(place, monkeypatch):
    monkeypatch.chdir(place)
    capture(place / "capture.sigmf-meta", ("QPSK",), 3)
    iq = open_recording(place / "capture.sigmf-meta").read(0, 60_000)
    names = {"source": [iq[first : first + 10_000] for first in range(0, 60_000, 10_000)]}
    for block in re.findall(r"^```python\n(.*?)^```", TEXTS["README.md"], re.DOTALL | re.MULTILINE):
        exec(block, names)  # our own README
    assert isinstance(names["rest"], list)


@pytest.mark.commands
@pytest.mark.parametrize("command", SENTENCES)
def test_commands_in_sentences_run(command, place):
    if "gnuradio-agreement" in command:
        need(gnuradio.find_python)
    # at smoke scale a recipe has one folder whatever is set
    shutil.rmtree(place / "runs", ignore_errors=True)
    hertzian(place, *at_smoke_scale(command))


@pytest.mark.commands
@pytest.mark.parametrize("command", [command for command in BLOCKS if ".tflite" in command])
def test_models_for_litert_are_written(command, place):
    need(ENVIRONMENT.find_python)
    hertzian(place, *at_smoke_scale(command))
