"""Parts of a page for studies: how accuracy, or the ACC of clusters, depends on a setting."""

from collections.abc import Iterator, Mapping
from typing import Any

from hertzian.experiments.page_numbers import curve_of
from hertzian.experiments.result import Result
from hertzian.report import Plot, Section, accuracy_over_snr, shares_over_setting


def study_section(result: Result, networks: Mapping[str, Mapping[str, Any]]) -> Iterator[Section]:
    """Yield a section of the studies of a recipe, if it has any.

    Args:
        result: of the run.
        networks: see `page_networks.find_networks`, and `page_clusters.find_clusterings`; what is
            none of them isn't drawn.
    """
    recipe: Mapping[str, Any] = result.recipe
    plots = [plot for study in recipe.get("studies", ()) for plot in _plots(study, networks)]
    if plots:
        yield Section("Studies", tuple(plots))


def _plots(study: Mapping[str, Any], networks: Mapping[str, Mapping[str, Any]]) -> Iterator[Plot]:
    agreed = {
        curve: {
            value: networks[stage]["acc"]["mean"]
            for value, stage in stages.items()
            if stage in networks and "acc" in networks[stage]
        }
        for curve, stages in study["curves"].items()
    }
    drawn = {name: found for name, found in agreed.items() if found}
    if drawn:
        figure = shares_over_setting(drawn, study["setting"], "ACC of the clusters")
        yield Plot(figure, study["title"])
    measured = {
        curve: {
            value: curve_of(networks[stage]["accuracy_by_snr"])
            for value, stage in stages.items()
            if stage in networks and "accuracy_by_snr" in networks[stage]
        }
        for curve, stages in study["curves"].items()
    }
    title, snr = study["title"], study["snr"]
    if snr is None:
        for name, found in measured.items():
            if found:
                curves = {f"{study['setting']} {value}": one for value, one in found.items()}
                yield Plot(accuracy_over_snr(curves), f"{title}: {name}")
        return
    at = {
        name: {value: curve[snr] for value, curve in found.items() if snr in curve}
        for name, found in measured.items()
    }
    drawn = {name: found for name, found in at.items() if found}
    if drawn:
        figure = shares_over_setting(drawn, study["setting"], f"accuracy at {snr:g} dB")
        yield Plot(figure, title)
