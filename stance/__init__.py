"""Which side a politician's statement takes on an agreement."""

__version__ = "0.1.0"
