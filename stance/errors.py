"""What can go wrong, for callers who want to catch it by kind."""


class StanceError(Exception):
    """Any fault in the input, the configuration or a model; its message says what to do."""


class SchemaError(StanceError, ValueError):
    """A table of statements lacks columns or has rows that cannot be used."""


class DataError(StanceError, ValueError):
    """A file or a source of statements cannot be read."""


class ConfigError(StanceError, ValueError):
    """A configuration has an unknown setting or a value out of its range."""


class ModelError(StanceError, ValueError):
    """A model folder is incomplete, changed, foreign or of a version that cannot be read."""


class MissingExtraError(StanceError, ImportError):
    """An optional part is not installed; the message names the command that installs it."""
