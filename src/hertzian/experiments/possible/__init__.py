"""What is possible, beside what is measured: bounds, distances to them, what impairments cost."""

IMPAIRMENTS = {
    "phase": "phase error, up to so many cycles either way",
    "carrier": "carrier offset, up to so many cycles per symbol either way",
    "timing": "timing error, up to so many symbols either way",
    "rate": "symbol rate too low, by so much of it",
    "fading": "scattered over direct power, 1/K, of a flat Rice channel whose phase is followed",
}
"""Attribute of `SymbolSource` -> what its number means."""
