"""Emissions at several frequencies that are one transmitter: keyed tones, and combs of lines."""

from collections.abc import Sequence

from hertzian.detection.emissions import Emission

_SLACK_FRAMES = 2
_SLACK_SHARE = 0.05
_TWIN_RATIO = 10.0
_TWIN_GAP = 3.0
_COMB_RATIO = 100.0
_FEWEST_LINES = 3
_CLOSEST_LINES = 4.0
_OFF_GRID_BINS = 0.6
_OFF_GRID_SHARE = 0.03


def come_and_go_together(one: Emission, other: Emission) -> bool:
    """Tell whether two emissions start and end in the same frames, and not with the recording."""
    if one.plateau or other.plateau or not (one.begins and other.begins):
        return False
    if min(one.first, other.first) == 0:
        return False
    (begin, end), (start, stop) = one.edges, other.edges
    slack = _SLACK_FRAMES + _SLACK_SHARE * max(end - begin, stop - start)
    return abs(begin - start) <= slack and abs(end - stop) <= slack


def groups(emissions: Sequence[Emission]) -> list[list[Emission]]:
    """Return the emissions by transmitter, the strongest first.

    Pieces of one track are of one transmitter, and so are the tones of a keyed one and the lines of
    a comb.
    """
    left = sorted(emissions, key=lambda e: -e.energy)
    found: list[list[Emission]] = []
    while left:
        own = [left.pop(0)]
        lines = {id(e) for e in _comb(own[0], left)}
        taken = [e for e in left if e.track == own[0].track or id(e) in lines]
        taken = taken or _twins_of(own, left)
        while taken:
            own += taken
            left = [e for e in left if not any(e is t for t in taken)]
            # a twin of a twin is of the same transmitter, too
            taken = _twins_of(own, left)
        found.append(own)
    return found


def _twins_of(own: Sequence[Emission], others: Sequence[Emission]) -> list[Emission]:
    return [e for e in others if any(_twins(o, e) for o in own)]


def _twins(one: Emission, other: Emission) -> bool:
    """Two tones of one keyed transmitter: they come and go together and are alike in power."""
    (low, high), (below, above) = one.band, other.band
    apart = max(low, below) - min(high, above)
    alike = 1 / _TWIN_RATIO < one.energy / max(other.energy, 1e-30) < _TWIN_RATIO
    near = apart <= _TWIN_GAP * max(high - low, above - below)
    return alike and near and come_and_go_together(one, other)


def _comb(strongest: Emission, others: Sequence[Emission]) -> list[Emission]:
    """Return the other lines of a comb: two or more at multiples of one spacing from the strongest.

    A carrier modulated by a tone, in amplitude or in frequency, is such a comb, and so is a train
    of pulses. Its lines come and go together; an image of the strongest alone would be weaker. What
    is heard from the end of a silence on may be stations on a raster.
    """
    if strongest.after_silence or not strongest.is_line:
        return []
    alike = [
        e
        for e in others
        if e.is_line
        and strongest.energy < _COMB_RATIO * e.energy
        and come_and_go_together(strongest, e)
    ]
    alike.sort(key=lambda e: abs(_center(e) - _center(strongest)))
    spacing, lines = 0.0, []
    for line in alike:
        offset = abs(_center(line) - _center(strongest))
        if offset < _CLOSEST_LINES:
            continue
        spacing = spacing or offset
        multiple = max(1, round(offset / spacing))
        if abs(offset - multiple * spacing) <= _OFF_GRID_BINS + _OFF_GRID_SHARE * spacing:
            lines.append(line)
            # the farther the line, the better it tells the spacing
            spacing = offset / multiple
    return lines if len(lines) + 1 >= _FEWEST_LINES else []


def _center(emission: Emission) -> float:
    return sum(emission.band) / 2
