"""Stages of the `gnuradio-agreement` recipe: GNU Radio's windows, the test, its controls."""

from pydantic import Field

from hertzian.experiments.agreement.sides import MODULATIONS, peer_side
from hertzian.experiments.stages import StageContext, StageOutcome, StageSettings, stage


class WindowSettings(StageSettings):
    """How many passes GNU Radio makes of each class for each label, and what is kept of each."""

    passes: int = Field(ge=5)
    per_pass: int = Field(default=8, ge=1)
    labels: tuple[float, ...] = Field(default=(10.0, 18.0), min_length=1)
    modulations: tuple[str, ...] = Field(default=MODULATIONS, min_length=1)


@stage("gnuradio-windows", WindowSettings)
def make_windows(settings: WindowSettings, context: StageContext) -> StageOutcome:
    """Run GNU Radio, class by class; the files of finished classes are kept."""
    counts = {}
    for modulation in settings.modulations:
        context.log(f"GNU Radio: {modulation}")
        side = peer_side(
            modulation,
            settings.passes,
            settings.per_pass,
            settings.labels,
            context.seed,
            context.folder,
        )
        counts[modulation] = len(side.iq)
    return StageOutcome(metrics={"windows_a_side": counts})
