"""What a model says of a whole detection: logits pooled over its windows, calibrated."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hertzian.deployment import ModelMetadata
from hertzian.detection import Baseband
from hertzian.evaluation import pooled_log_probabilities
from hertzian.signal import FAMILIES, family_of

Logits = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """Logits [windows, classes] and [windows, protocols] of some windows; the latter may be 0."""

    logits: npt.NDArray[np.float32]
    protocols: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Verdict:
    """The pooled answer: the family of the highest probability, and the best label within it."""

    modulation: str
    family: str
    confidence: float
    family_confidence: float
    scores: dict[str, float]


def pooled_scores(logits_sum: Logits, count: int, metadata: ModelMetadata) -> dict[str, float]:
    """Return the calibrated probability of every class from summed logits [classes].

    log p = log softmax(mean logits x n^a / T + b): n windows of one signal are worth n^a
    independent ones (0 <= a <= 1), T is the temperature (Guo et al. 2017, section 4.2), and b makes
    up for what training showed too often (Alexandari et al. 2020, section 3). `unknown` is
    always among the classes, with probability zero where the model does not know it.
    """
    log_p = pooled_log_probabilities(
        (logits_sum / count)[None, :],
        [count],
        temperature=metadata.temperature,
        evidence_exponent=metadata.evidence_exponent,
        biases=metadata.biases or 0.0,
    )
    probabilities = np.exp(log_p[0])
    scores = dict(zip(metadata.classes, map(float, probabilities), strict=True))
    scores.setdefault("unknown", 0.0)
    return scores


def judge(scores: dict[str, float]) -> Verdict:
    """Choose family, then label."""
    families = dict.fromkeys(FAMILIES, 0.0)
    for label, probability in scores.items():
        families[family_of(label)] += probability
    family = max(families, key=lambda name: families[name])
    members = [label for label in scores if family_of(label) == family]
    modulation = max(members, key=lambda label: scores[label])
    family_confidence = min(1.0, families[family])
    return Verdict(modulation, family, scores[modulation], family_confidence, scores)


def with_memory(scores: dict[str, float]) -> dict[str, float]:
    """Return the scores of a plateau that looks like noise and repeats itself, `repeats_at`.

    Noise it is not: a plateau that looks Gaussian and has a memory is OFDM, many subcarriers with a
    cyclic prefix, and gets the probability of noise.
    """
    if "OFDM" not in scores:
        return scores
    moved = {"OFDM": scores["OFDM"] + scores.get("noise", 0.0), "noise": 0.0}
    return {name: moved.get(name, p) for name, p in scores.items()}


def by_bayes(scores: dict[str, float], shares: Mapping[str, float]) -> dict[str, float]:
    """Return the scores after something was seen that each label shows in its share of cases.

    By Bayes' rule; as they were where the shares were not measured.
    """
    weighed = {name: p * shares.get(name, 1.0) for name, p in scores.items()}
    total = sum(weighed.values())
    return {name: p / total for name, p in weighed.items()} if total > 0 else scores


def without_prefix(scores: dict[str, float], missed: float) -> dict[str, float]:
    """Return the scores where a cyclic prefix was looked for and none was seen, by Bayes' rule.

    Of OFDM, a share of `missed` shows none; of all else, everything.
    """
    left = 1.0 - scores.get("OFDM", 0.0) * (1.0 - missed)
    if not left > 0:
        return scores
    return {name: p * (missed if name == "OFDM" else 1.0) / left for name, p in scores.items()}


@dataclass
class Evidence:
    """Everything gathered about one emission so far; long ones come in pieces.

    `repetition` is the lag at which it repeats itself, in samples of the recording; `searched` the
    length of the longest piece in which a cyclic prefix was looked for in vain.
    """

    start: int
    stop: int
    touches_start: bool
    logits: Logits
    protocol_logits: Logits
    windows: int = 0
    energy: float = 0.0
    noise_density: float = 0.0
    line_energy: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    repetition: float | None = None
    searched: int = 0
    keyed: bool = False
    faint: bool = False
    outshone: bool = False
    plateau: bool = False
    background: Logits | None = None
    background_windows: int = 0

    def add(self, piece: Baseband, answers: Answers) -> None:
        """Take in a piece and what the model says of its windows."""
        logits = answers.logits
        self.start = min(self.start, piece.start)
        self.stop = max(self.stop, piece.stop)
        self.logits = self.logits + logits.sum(axis=0, dtype=np.float64)
        self.protocol_logits = self.protocol_logits + answers.protocols.sum(
            axis=0, dtype=np.float64
        )
        self.windows += logits.shape[0]
        self.faint &= piece.faint
        self.outshone |= piece.outshone
        weight = piece.energy
        self.lower += weight * (piece.center - piece.bandwidth / 2)
        self.upper += weight * (piece.center + piece.bandwidth / 2)
        self.line_energy += weight * piece.line_share
        self.noise_density += weight * piece.noise_density
        self.energy += weight

    def add_background(self, logits: npt.NDArray[np.float32]) -> None:
        """Take in the logits [windows, classes] of a plateau less what stands on it."""
        own = logits.sum(axis=0, dtype=np.float64)
        self.background = own if self.background is None else self.background + own
        self.background_windows += logits.shape[0]

    def repeat(self, lag: int | None, rate: float) -> None:
        """Take in at which lag of samples at `rate` times the recording's a piece repeats itself.

        The first one stays; None is a piece that doesn't.
        """
        if self.repetition is None and lag is not None:
            self.repetition = lag / rate

    def scores(self, metadata: ModelMetadata) -> dict[str, float]:
        """Return the calibrated probability of every class from what is gathered.

        A plateau is noise if that is what is left of it without the signals that stand on it.
        """
        scores = pooled_scores(self.logits, self.windows, metadata)
        if self.background is not None:
            bare = pooled_scores(self.background, self.background_windows, metadata)
            scores = bare if judge(bare).family == "noise" else scores
        if self.keyed:
            scores = by_bayes(scores, metadata.keyed)
        if self.repeats:
            # by its threshold noise hardly ever does, however few were measured
            shares = {**metadata.repeating, "noise": 0.0}
            return with_memory(scores) if self.plateau else by_bayes(scores, shares)
        return without_prefix(scores, metadata.missed_prefixes(self.searched))

    @property
    def repeats(self) -> bool:
        """Whether it repeats itself."""
        return self.repetition is not None

    @property
    def band(self) -> tuple[float, float]:
        """Edges of the occupied band, cycles per sample, weighted by the pieces' energy."""
        return self.lower / self.energy, self.upper / self.energy

    @property
    def line_share(self) -> float:
        """Share of the energy in one spectral line."""
        return self.line_energy / self.energy

    @property
    def snr_db(self) -> float:
        """Mean power over the noise within the occupied band."""
        lower, upper = self.band
        noise = self.noise_density / self.energy * max(upper - lower, 1e-9)
        power = self.energy / max(self.stop - self.start, 1)
        return float(10 * np.log10(max(power / max(noise, 1e-30), 1e-3)))
