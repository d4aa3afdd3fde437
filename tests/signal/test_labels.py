import pytest
from hypothesis import given
from hypothesis import strategies as st

from hertzian.signal import (
    CORE,
    FAMILIES,
    LABELS,
    MERGED,
    HertzianError,
    canonical,
    family_of,
    merged,
)

# The table of the design, word for word but for the remarks.
DESIGN = """
ask: OOK (2ASK, on/off), 4ASK, 8ASK, 4PAM (PAM4), PPM
fsk: 2FSK, 4FSK, GFSK, GMSK, MSK, CPFSK
psk: BPSK, QPSK, 8PSK, 16PSK, 32PSK, OQPSK, PI4-DQPSK
qam: 8QAM, 16QAM (QAM16), 32QAM, 64QAM (QAM64), 128QAM, 256QAM, 12APSK, \
16APSK, 32APSK, 64APSK, 128APSK
ofdm: OFDM
am: AM-DSB (AM-DSB-WC), AM-DSB-SC, AM-SSB (AM-SSB-SC), AM-SSB-WC
fm: NBFM, WBFM (FM)
chirp: LFM, FMCW, CSS (LoRa)
pulse: PCW (pulsed)
dsss: DSSS-BPSK, DSSS-CCK, DSSS-OQPSK
carrier: CW
noise: noise
unknown: unknown
"""


def design():
    """Yield (family, name, aliases)."""
    for line in DESIGN.strip().splitlines():
        family, entries = line.split(": ")
        for entry in entries.replace(", on/off", "; on/off").split(", "):
            name, _, aliases = entry.rstrip(")").partition(" (")
            yield family, name, tuple(aliases.split("; ")) if aliases else ()


def test_the_table_is_that_of_the_design():
    assert [(v.family, v.name, v.aliases) for v in LABELS.values()] == list(design())
    assert list(LABELS) == [name for _, name, _ in design()]
    assert tuple(dict.fromkeys(family for family, _, _ in design())) == FAMILIES


@pytest.mark.parametrize(("family", "name", "aliases"), list(design()))
def test_every_spelling_leads_to_the_label(family, name, aliases):
    for spelling in (name, *aliases):
        assert canonical(spelling) == name
        assert family_of(spelling) == family


@given(st.sampled_from(sorted(LABELS)), st.data())
def test_neither_case_nor_space_around_a_name_counts(name, data):
    spelled = "".join(data.draw(st.sampled_from([c.lower(), c.upper()])) for c in name)
    assert canonical(f"  {spelled}\n") == name


@pytest.mark.parametrize("name", ["", "QPSK8", "QP SK", "16-QAM"])
def test_an_unknown_name_is_refused_in_one_line_that_lists_the_known(name):
    with pytest.raises(HertzianError, match="QPSK, 8PSK") as refused:
        canonical(name)
    assert repr(name) in str(refused.value)
    assert "\n" not in str(refused.value)
    with pytest.raises(HertzianError):
        family_of(name)


def test_no_two_labels_share_a_spelling():
    spellings = [s.casefold() for v in LABELS.values() for s in (v.name, *v.aliases)]
    assert len(set(spellings)) == len(spellings)


def test_the_core_is_26_labels_of_the_table():
    assert len(CORE) == len(set(CORE)) == 26
    assert set(CORE) <= set(LABELS)
    assert CORE[-1] == "noise"
    assert "unknown" not in CORE


def test_on_off_keying_contains_pulse_positions_and_two_tones_contain_the_minimum_shifts():
    assert merged("PPM") == merged("2ask") == "OOK"
    assert {merged(name) for name in ("2FSK", "GFSK", "MSK", "gmsk", "CPFSK")} == {"2FSK"}
    assert merged("QPSK") == "QPSK"
    assert merged("4FSK") == "4FSK"


def test_merging_twice_changes_nothing_more():
    assert set(MERGED) <= set(LABELS)
    for name in LABELS:
        assert merged(merged(name)) == merged(name)


def test_twenty_core_signals_are_not_subsets_of_one_another():
    assert len({merged(name) for name in CORE if name != "noise"}) == 20
