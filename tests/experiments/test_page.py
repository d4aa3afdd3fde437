import re

import pytest

from hertzian.experiments import load_recipe, run_recipe

pytestmark = pytest.mark.base


def page(recipe_file, tmp_path, scale):
    recipe = load_recipe(recipe_file, scale, ["title=<b>Bold</b>"])
    run_recipe(recipe, scale, tmp_path / scale, command="hertzian run toy --scale smoke")
    return (tmp_path / scale / "report.html").read_text(encoding="utf-8")


def test_the_page_shows_what_was_measured_and_how(recipe_file, tmp_path):
    html = page(recipe_file, tmp_path, "smoke")
    text = re.sub(r"<[^>]+>", " ", html)
    assert "0.5333" in text  # mean accuracy: 0.3 + 7/30
    assert "hertzian run toy --scale smoke" in text
    assert "The scale is reduced" in text
    assert "seeds 1, 2, 4" in text
    assert "After Nobody, 1900" in text
    assert "stages.draw.snrs" in text
    assert "trained on" in text
    assert html.count("<svg") == 2  # accuracy over SNR, confusion


def test_the_page_of_a_full_run_excuses_nothing(recipe_file, tmp_path):
    assert "The scale is reduced" not in page(recipe_file, tmp_path, "full")


def test_texts_are_escaped_and_nothing_is_fetched(recipe_file, tmp_path):
    html = page(recipe_file, tmp_path, "smoke")
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html
    assert "<b>Bold" not in html
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", html)
