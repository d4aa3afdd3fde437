"""Synthetic presets, readers of dataset files, and what training draws from."""
