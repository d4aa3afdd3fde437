import numpy as np

from hertzian.report.clusters import (
    ClusterPage,
    ShownCluster,
    cluster_map,
    strength_curve,
    write_clusters,
)


def shown(signals, total, iq, name="<i>OOK</i>"):
    return ShownCluster(
        signals=signals,
        share=signals / total,
        iq=iq,
        sample_rate_hz=1e5,
        columns=("Recording", "Start"),
        typical=[("a<b>.cu8", "3 ms"), ("c.cu8", "0 s")],
        called={name: 3, "2FSK": 5},
    )


def page(clusters, strengths):
    rng = np.random.default_rng(0)
    return ClusterPage(
        title="Signals in here",
        clusters=clusters,
        places=rng.normal(size=(12, 2)),
        numbers=np.arange(12) % len(clusters),
        strengths=strengths,
        how_to_name=("Write names.",),
    )


def test_a_page_shows_each_cluster(tmp_path, noise):
    clusters = [shown(9, 12, noise(2048)), shown(3, 12, np.zeros(0, np.complex64))]
    write_clusters(tmp_path / "p.html", page(clusters, {1: 1.0, 2: 0.9, 3: 0.2}))
    text = (tmp_path / "p.html").read_text()
    assert "12 signals in 2 clusters" in text
    assert "Cluster 1 · 9 signals" in text
    assert "2FSK 5, &lt;i&gt;OOK&lt;/i&gt; 3" in text
    assert "a&lt;b&gt;.cu8" in text
    assert "too short to be drawn" in text
    assert text.count('aria-label="Spectrogram"') == 1
    assert "Prediction strength" in text
    write_clusters(tmp_path / "q.html", page(clusters, {}))
    assert "Prediction strength" not in (tmp_path / "q.html").read_text()


def test_the_map_has_every_point_in_its_cluster_s_look():
    rng = np.random.default_rng(1)
    places, numbers = rng.normal(size=(50, 2)), rng.integers(0, 11, 50)
    (axes,) = cluster_map(places, numbers, 11).axes
    looks = set()
    for number, drawn in enumerate(axes.collections):
        np.testing.assert_allclose(drawn.get_offsets(), places[numbers == number])
        looks.add((tuple(drawn.get_facecolor()[0]), drawn.get_paths()[0].vertices.tobytes()))
    assert len(looks) == 11


def test_the_curve_has_every_strength():
    (axes,) = strength_curve({1: 1.0, 2: 0.75, 3: 0.5}, 1).axes
    curve = axes.lines[0]
    assert list(curve.get_xdata()) == [1, 2, 3]
    assert list(curve.get_ydata()) == [100, 75, 50]
