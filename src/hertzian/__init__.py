"""Hertzian recognises radio signals from IQ samples."""
