"""How well features fit the Gaussians of classes."""

import numpy as np
import pytest
from scipy.stats import chi2, multivariate_normal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from hertzian.signal import HertzianError
from hertzian.training.discriminant import ClassGaussians


def drawn(classes=3, per=400, length=5, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(classes, length, length))
    centres = 4 * rng.normal(size=(classes, length))
    labels = np.arange(classes).repeat(per)
    noise = rng.normal(size=(len(labels), length))
    return np.einsum("ni,nij->nj", noise, mixing[labels]) + centres[labels], labels


def test_unmixed_it_is_the_density_of_each_class():
    x, labels = drawn()
    found = ClassGaussians(x, labels, np.zeros(len(x)), 3, pooled=0, shrunk=0).log_density(x)
    own = [
        multivariate_normal(x[labels == one].mean(axis=0), np.cov(x[labels == one].T, bias=True))
        for one in range(3)
    ]
    expected = np.max([gaussian.logpdf(x) for gaussian in own], axis=0)
    # units of the features, and (2 pi)^(length / 2), shift all rows alike
    assert np.ptp(found - expected) < 1e-8


def test_it_chooses_as_quadratic_discriminants_do():
    x, labels = drawn(per=60, length=20)
    units = np.sqrt(np.mean([x[labels == one].var(axis=0) for one in range(3)], axis=0))
    peer = QuadraticDiscriminantAnalysis(priors=[1 / 3] * 3, reg_param=0.2).fit(x / units, labels)
    rows = drawn(per=50, length=20)[0]
    found = ClassGaussians(x, labels, np.zeros(len(x)), 3, pooled=0, shrunk=0.2).log_densities(rows)
    assert found.shape == (len(rows), 3)
    assert (found.argmax(axis=1) == peer.predict(rows / units)).mean() > 0.99


def test_levels_are_told_apart():
    x, labels = drawn(classes=2)
    both = np.zeros(len(x), dtype=int)
    apart = ClassGaussians(x, both, labels.astype(float), 1, pooled=0.2, shrunk=0.1)
    classes = ClassGaussians(x, labels, np.full(len(x), np.nan), 2, pooled=0.2, shrunk=0.1)
    assert np.allclose(apart.log_density(x), classes.log_density(x))


def test_what_fits_follows_chi_square_and_a_stranger_does_not():
    x, labels = drawn(classes=1, per=20_000, length=8)
    gaussians = ClassGaussians(x[:10_000], labels[:10_000], np.zeros(10_000), 1, pooled=0, shrunk=0)
    found = gaussians.log_density(x[10_000:])
    peak = gaussians.log_density(x[:10_000].mean(axis=0, keepdims=True))
    distance = 2 * (peak - found)
    assert np.mean(distance > chi2(8).ppf(0.9)) == pytest.approx(0.1, abs=0.01)
    assert gaussians.log_density(x[:1] + 100)[0] < found.min()


def test_few_windows_and_features_that_never_vary_do_no_harm():
    x, labels = drawn(per=3, length=30)
    x[:, 4] = 7.0
    found = ClassGaussians(x, labels, np.zeros(9), 3, pooled=0.5, shrunk=0.1)
    assert np.isfinite(found.log_density(x)).all()
    x[:, 4] = 8.0
    assert np.isfinite(found.log_density(x)).all()


def test_what_does_not_belong_together_is_refused():
    x, labels = drawn(per=4)
    for features, levels in ((x[:0], np.zeros(0)), (x, np.zeros(3))):
        with pytest.raises(HertzianError, match="a label and a level each"):
            ClassGaussians(features, labels[: len(features)], levels, 3, pooled=0, shrunk=0)
    with pytest.raises(HertzianError, match="shares of 0 to 1"):
        ClassGaussians(x, labels, np.zeros(len(x)), 3, pooled=1.2, shrunk=0)
    for features, count in ((x, 2), (np.where(x > 0, x, np.nan), 3)):
        with pytest.raises(HertzianError, match="finite features and labels below"):
            ClassGaussians(features, labels, np.zeros(len(x)), count, pooled=0, shrunk=0)


def test_a_class_without_windows_keeps_its_column():
    x, labels = drawn()
    found = ClassGaussians(x, labels + 1, np.zeros(len(x)), 5, pooled=0.2, shrunk=0.1)
    densities = found.log_densities(x)
    assert (densities.argmax(axis=1) == labels + 1).mean() > 0.99
    assert np.isneginf(densities[:, [0, 4]]).all()
