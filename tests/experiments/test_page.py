import html
import re

import numpy as np
import pytest
from tests.experiments.networks import network_result

from hertzian.experiments import ExperimentError, load_recipe, run_recipe
from hertzian.experiments.page import write_page
from hertzian.experiments.page_networks import repetitions_of

pytestmark = pytest.mark.base


def page(recipe_file, tmp_path, scale):
    recipe = load_recipe(recipe_file, scale, ["title=<b>Bold</b>"])
    run_recipe(recipe, scale, tmp_path / scale, command="hertzian run toy --scale smoke")
    return (tmp_path / scale / "report.html").read_text(encoding="utf-8")


def test_the_page_shows_what_was_measured_and_how(recipe_file, tmp_path):
    source = page(recipe_file, tmp_path, "smoke")
    text = re.sub(r"<[^>]+>", " ", source)
    assert "0.5333" in text  # mean accuracy: 0.3 + 7/30
    assert "hertzian run toy --scale smoke" in text
    assert "The scale is reduced" in text
    assert "seeds 1, 2, 4" in text
    assert "After Nobody, 1900" in text
    assert "stages.draw.snrs" in text
    assert "trained on" in text
    assert source.count("<svg") == 2  # accuracy over SNR, confusion


def test_the_page_of_a_full_run_excuses_nothing(recipe_file, tmp_path):
    assert "The scale is reduced" not in page(recipe_file, tmp_path, "full")


def test_texts_are_escaped_and_nothing_is_fetched(recipe_file, tmp_path):
    source = page(recipe_file, tmp_path, "smoke")
    assert "&lt;b&gt;Bold&lt;/b&gt;" in source
    assert "<b>Bold" not in source
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", source)


PUBLISHED = {
    "published": {
        "new": {
            "accuracy": 0.6375,
            "accuracy_by_snr": {"0": 0.91},
            "parameters": 6_760_459,
            "source": "table <4>",
        }
    },
    "compare": [{"better": "new", "worse": "old", "by": 0.01}],
}
COMPARISONS = {
    "new - old": {
        "difference": {"mean": 0.2, "interval": [-0.1, 0.5], "values": [0.18, 0.22]},
        "by": 0.01,
        "over_examples": [[0.17, 0.19], None],
    }
}


def network_page(tmp_path, **options):
    write_page(network_result(**options), tmp_path / "report.html")
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def rows(source, title):
    """Return the cells of the rows of the first table after a title."""
    table = re.search(r"<table.*?</table>", source[source.index(title) :], re.DOTALL).group()
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")[1:]]
    return [[html.unescape(cell) for cell in row] for row in cells]


def test_studies_are_drawn_where_their_networks_were_measured(tmp_path):
    def study(snr, curves):
        return {"title": "Rates & more", "setting": "rate", "snr": snr, "curves": curves}

    plain = network_page(tmp_path).count("<svg")
    both = {"all": {"1": "new", "2": "old"}}
    for snr, curves, drawn in (
        (0.0, both, 1),
        (None, both, 1),
        (None, {"one": {"1": "new"}, "two": {"1": "old"}}, 2),
        (0.0, {"all": {"1": "new", "2": "missing"}}, 1),
        (77.0, both, 0),
        (0.0, {"all": {"1": "missing"}}, 0),
    ):
        source = network_page(tmp_path, recipe={"studies": [study(snr, curves)]})
        assert source.count("<svg") == plain + drawn
        assert (">Studies<" in source) == bool(drawn)
        assert ("Rates &amp; more" in source[: source.index(">Recipe<")]) == bool(drawn)


def test_networks_stand_beside_what_was_published(tmp_path):
    source = network_page(tmp_path, recipe=PUBLISHED, comparisons=COMPARISONS)
    result = network_result()
    heads, new, old = rows(source, ">Networks<")
    assert heads == [
        *("network", "parameters", "published", "accuracy (%)", "published"),
        *("SNR ≥ 0 dB (%)", "best SNR (%)", "source"),
    ]
    accuracy = result.metrics["new"]["accuracy"]
    half = accuracy["mean"] - accuracy["interval"][0]
    assert new[:2] == ["new", "6\u202f760\u202f459"]
    assert new[3:5] == [f"{100 * accuracy['mean']:.2f} ± {100 * half:.2f}", "63.75"]
    assert new[-1] == "table <4>"
    assert old[2] == old[4] == old[-1] == "–"
    assert source.count("printed in the paper") == 1


def test_comparisons_have_both_intervals_and_a_verdict(tmp_path):
    source = network_page(tmp_path, recipe=PUBLISHED, comparisons=COMPARISONS)
    _, row = rows(source, ">Comparisons")
    assert row == ["new - old", "20.00", "−10.00 to 50.00", "1.00", "yes", "seed 0: 17.00 to 19.00"]
    assert "new and old: accuracy of each class over SNR" in source


def test_each_network_has_its_figures(tmp_path):
    source = network_page(tmp_path, weights=True)
    section = source[source.index('<section id="new">') : source.index('<section id="old">')]
    titles = re.findall(r"<h3>(.*?)</h3>", section)
    assert titles == [
        *("Training", "Accuracy of each class over SNR", "Classes", "Confusion"),
        *("Confusion at 0 dB", "Confidence over SNR", "Confidence over the true class"),
    ]
    assert "train loss, seed 1" in section
    assert "weight from the entropy" in section
    # everybody's mistakes are for the neighbour in the list of classes
    assert [row[0::3] for row in rows(section, ">Classes<")[1:]] == [
        *(["BPSK", "QPSK"], ["QPSK", "BPSK"], ["QAM16", "QAM64"], ["QAM64", "QAM16"]),
    ]
    assert ">Measured<" not in source
    assert "Feature maps" not in source
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", source)


def test_a_single_seed_has_no_interval(tmp_path):
    source = network_page(tmp_path, seeds=(3,), recipe=PUBLISHED)
    assert "±" not in "".join(rows(source, ">Networks<")[1])
    assert "train loss, seed" not in source
    assert "Comparisons" not in source


def test_feature_maps_are_shown_where_a_run_left_them(tmp_path):
    maps = {"QAM16, 10 dB": np.eye(4), "QAM64, 10 dB": np.ones((4, 8))}
    np.savez(tmp_path / "features.npz", **maps)
    source = network_page(tmp_path)
    assert "Feature maps" in source
    assert "QAM64, 10 dB" in source


@pytest.mark.parametrize("damage", ["bytes", "shape", "pickle", "nothing"])
def test_damaged_feature_maps_give_one_line(tmp_path, damage):
    path = tmp_path / "features.npz"
    arrays = {"shape": {"a": np.ones(3)}, "pickle": {"a": np.array([object()])}, "nothing": {}}
    if damage == "bytes":
        path.write_bytes(b"PK\x03\x04")
    else:
        np.savez(path, **arrays[damage])
    with pytest.raises(ExperimentError, match=r"features\.npz: expected feature maps") as caught:
        network_page(tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "report.html").exists()


def test_histories_come_back_for_each_seed():
    history = {"epoch": [1, 2], "loss": {"values": [[3.0, 2.0], None]}}
    assert repetitions_of(history, (5, 6)) == {
        "seed 5": {"epoch": [1, 2], "loss": [3.0, 2.0]},
        "seed 6": {"epoch": [1, 2]},
    }
    assert repetitions_of({"loss": [1.0]}, (5, 6)) == {"seed 5": {"loss": [1.0]}}
    assert repetitions_of(None, (5,)) == {}
