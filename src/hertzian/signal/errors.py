"""The one base class of every error that Hertzian raises on purpose."""


class HertzianError(Exception):
    """Something the user can act on; its message is one clear line."""
