import pytest

from hertzian.experiments import ExperimentError, find_recipe, load_recipe, recipe, recipe_names

pytestmark = pytest.mark.base


@pytest.mark.parametrize(("scale", "count"), [("smoke", 10), ("small", 20), ("full", 30)])
def test_the_scale_chooses_the_values(recipe_file, scale, count):
    found = load_recipe(recipe_file, scale)
    assert found.stages["draw"].count == count
    assert found.to_dict() == {
        "name": "toy",
        "title": "A recipe for tests",
        "paper": "Nobody, 1900",
        "seeds": [1, 2, 4],
        "stages": {
            "draw": {"kind": "draw", "count": count, "snrs": [0, 10]},
            "learn": {"kind": "learn", "rate": 0.5, "epochs": None},
            "test": {"kind": "score"},
        },
        "published": {},
        "compare": [],
        "studies": [],
    }
    assert list(found.stages) == ["draw", "learn", "test"]


def test_overrides_are_typed(recipe_file):
    found = load_recipe(
        recipe_file,
        "smoke",
        [
            *("stages.draw.count=7", "stages.learn.rate=1e-3", "stages.learn.epochs=null"),
            *("stages.draw.snrs=[-4, 8]", "seeds=[9]", "paper=null", "title=A = B"),
        ],
    )
    assert found.stages["draw"].count == 7
    assert found.stages["draw"].snrs == (-4, 8)
    assert found.stages["learn"].rate == 1e-3
    assert found.seeds == (9,)
    assert (found.paper, found.title) == (None, "A = B")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("stages.draw.count", "expected key=value"),
        ("=3", "expected key=value"),
        ("stages.draw.count=many", r"stages\.draw: count: Input should be a valid integer"),
        ("stages.draw.count=2.5", r"stages\.draw: count"),
        ("stages.draw.count=true", r"stages\.draw: count"),
        ("stages.learn.rate='1'", r"stages\.learn: rate"),
        ("stages.draw.counts=1", r"stages\.draw: counts: Extra inputs"),
        ("stages.train.epochs=1", r"stages has no 'train'; known are draw, learn, test"),
        ("stage.draw.count=1", "the recipe has no 'stage'"),
        ("name.first=1", "name holds no keys"),
        ("seeds=[]", "seeds"),
        ("seeds=[1, 1]", "has one twice"),
        ("seeds=[-1]", "seeds"),
        ("stages.test.kind=scores", r"stages\.test\.kind: unknown kind 'scores'; known are draw"),
        ("stages.learn.rate=.inf", "not a plain YAML"),
    ],
)
def test_wrong_overrides_name_the_key(recipe_file, override, message):
    with pytest.raises(ExperimentError, match=message) as caught:
        load_recipe(recipe_file, "smoke", [override])
    assert str(recipe_file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("title: A recipe for tests", "", "title: Field required"),
        ("title:", "heading: x\ntitle:", "heading: Extra inputs"),
        ("name: toy", "name: Toy", "name"),
        (", full: 30", "", "recipe.stages.draw.count: expected a value for each of smoke"),
        ("full: 30", "full: 30, huge: 40", "expected a value for each"),
        ("kind: draw", "count2: 1", r"stages\.draw\.kind: unknown kind None"),
        ("  test: {kind: score}", "  test: score", r"stages\.test"),
        ("seeds: [1, 2, 4]", "seeds: 3", "seeds"),
    ],
)
def test_a_wrong_recipe_names_the_key(recipe_file, old, new, message):
    text = recipe_file.read_text()
    assert old in text
    recipe_file.write_text(text.replace(old, new))
    with pytest.raises(ExperimentError, match=message):
        load_recipe(recipe_file, "smoke")


PUBLISHED = """\
published:
  test:
    accuracy: 0.6375
    accuracy_by_snr: {0: 0.91, -12: 1}
    parameters: 6760459
    source: table 4
  learn: {peak: {smoke: 0.1, small: 0.2, full: 0.3}}
compare:
  - {better: test, worse: learn, by: 0.01}
  - {better: learn, worse: test}
studies:
  - {title: Rates, setting: rate, snr: -2, curves: {all: {"0.1": learn, "0.2": test}}}
"""


def test_published_figures_and_comparisons_belong_to_stages(recipe_file):
    recipe_file.write_text(recipe_file.read_text() + PUBLISHED)
    found = load_recipe(recipe_file, "full")
    assert found.published["test"].accuracy_by_snr == {"0": 0.91, "-12": 1.0}
    assert found.published["test"].peak is None
    assert [compare.name for compare in found.compare] == ["test - learn", "learn - test"]
    told = found.to_dict()
    assert told["published"] == {
        "test": {
            "accuracy": 0.6375,
            "accuracy_by_snr": {"0": 0.91, "-12": 1.0},
            "parameters": 6760459,
            "source": "table 4",
        },
        "learn": {"peak": 0.3},
    }
    assert told["compare"][0] == {"better": "test", "worse": "learn", "by": 0.01}
    assert told["compare"][1]["by"] is None
    curves = {"all": {"0.1": "learn", "0.2": "test"}}
    assert told["studies"] == [{"title": "Rates", "setting": "rate", "curves": curves, "snr": -2}]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("published.test.accuracy=63.75", r"published\.test\.accuracy: Input should be less"),
        ("published.test.accuracy=-0.1", r"published\.test\.accuracy"),
        ("published.test.accuracy='0.5'", r"published\.test\.accuracy"),
        ("published.test.accuracy_by_snr={0.5: 0.1}", r"accuracy_by_snr\.0\.5"),
        ("published.test.accuracy_by_snr={high: 0.1}", r"accuracy_by_snr\.high"),
        ("published.test.accuracy_by_snr={0: 91}", r"accuracy_by_snr\.0"),
        ("published.test.parameters=0", r"published\.test\.parameters"),
        ("published.test.overall=0.5", r"published\.test\.overall: Extra inputs"),
        ("published={tests: {}}", r"published: no stage 'tests'; stages are draw, learn, test"),
        ("compare=[{better: test, worse: draw2}]", r"compare\.0\.worse: no stage 'draw2'"),
        ("compare=[{better: test, worse: test}]", r"compare\.0: test is compared with itself"),
        ("studies=[{title: T, setting: s, curves: {}}]", r"studies\.0\.curves: Dictionary should"),
        (
            "studies=[{title: T, setting: s, curves: {all: {a: draw2}}}]",
            r"studies\.0\.curves\.all: no stage 'draw2'",
        ),
        ("compare=[{better: test}]", r"compare\.0\.worse: Field required"),
        ("compare=[{better: test, worse: learn, by: 1.5}]", r"compare\.0\.by"),
        (
            "compare=[{better: test, worse: learn}, {better: test, worse: learn, by: 0.1}]",
            r"compare\.1: test - learn comes twice",
        ),
    ],
)
def test_wrong_published_figures_name_the_key(recipe_file, override, message):
    recipe_file.write_text(recipe_file.read_text() + PUBLISHED)
    with pytest.raises(ExperimentError, match=message) as caught:
        load_recipe(recipe_file, "smoke", [override])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"[]", b"7", b"", b"\xff\xfe", b"a: " + b"x" * 256_001])
def test_what_is_no_recipe_gives_one_line(recipe_file, content):
    recipe_file.write_bytes(content)
    with pytest.raises(ExperimentError) as caught:
        load_recipe(recipe_file, "smoke", ["seeds=[1]"])
    assert str(caught.value).startswith(str(recipe_file))
    assert "\n" not in str(caught.value)


def test_recipes_are_found_by_name_and_the_checkout_comes_first(tmp_path, monkeypatch):
    folders = (tmp_path / "checkout", tmp_path / "package")
    for folder in folders:
        folder.mkdir()
        (folder / "both.yaml").touch()
    (folders[1] / "one.yaml").touch()
    monkeypatch.setattr(recipe, "FOLDERS", folders)
    monkeypatch.chdir(tmp_path)
    assert recipe_names() == ("both", "one")
    assert find_recipe("both") == folders[0] / "both.yaml"
    assert find_recipe("one") == folders[1] / "one.yaml"
    for absent in ("two", "../package/one", "checkout", "two.yaml"):
        with pytest.raises(ExperimentError, match="no such recipe; known are both, one"):
            find_recipe(absent)
    assert find_recipe("checkout/both.yaml").is_file()
