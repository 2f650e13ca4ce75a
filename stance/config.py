"""What can be set for training, and reading it from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from math import inf, isfinite
from pathlib import Path
from typing import Any, Self

from stance.errors import ConfigError
from stance.files import read_toml

DEFAULT_BLOCKS = ("lexical", "sentence", "stance")
BLOCKS = (*DEFAULT_BLOCKS, "entailment")


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of `train`; each can stand in a TOML file and be a flag of `stance train`.

    Attributes
    ----------
    target : str
        The agreement that the model is for. Its rows are tried by event, those of other agreements by agreement,
        which is how each kind of question will be put to the model. "": the agreement with the most rows.
    blocks : tuple of str
        Blocks of features: "lexical" (words and characters), "sentence" (embeddings), "stance" (the stance encoder
        that comes with the package) and "entailment", which goes with the setting `entailment`.
    entailment : str
        Folder or hub id of a model of natural language inference, whose scores of hypotheses about the target become
        a block of features. "": none.
    C : tuple of float
        Inverse strengths of regularisation to search.
    authored_weight : tuple of float
        Weights of an authored row, against 1 of a documented one, to search; 0 leaves authored rows out.
    sentence_weight : tuple of float
        Weights of the sentence block beside the lexical one to search.
    stance_weight : tuple of float
        Weights to search of the stance encoder's logits, which are added to those of the head.
    target_weight : float
        Weight of a row on the target, against 1 of a row on another agreement.
    folds : int
        Number of folds of the search and of calibration.
    precision : float
        How often an answer should be right: the abstention threshold is chosen for it.
    hold_out : tuple of str
        Events, or `id`s of single rows, that are left out of training, to try the model on afterwards.
    seed : int
        Reaches every random step.
    jobs : int
        Processes to use; the model is the same whatever their number. -1: one per core.

    Examples
    --------
    >>> TrainingConfig().with_values({"folds": 3, "C": [1, 10]}).C
    (1.0, 10.0)
    """

    target: str = ""
    blocks: tuple[str, ...] = DEFAULT_BLOCKS
    entailment: str = ""
    C: tuple[float, ...] = (1.0, 4.0)
    authored_weight: tuple[float, ...] = (0.0, 0.3, 1.0)
    sentence_weight: tuple[float, ...] = (1.0,)
    stance_weight: tuple[float, ...] = (1.0,)
    target_weight: float = 2.0
    folds: int = 5
    precision: float = 0.8
    hold_out: tuple[str, ...] = ()
    seed: int = 0
    jobs: int = -1

    def __post_init__(self) -> None:
        """Refuse values that training could not use, all at once."""
        faults = []
        if not self.blocks or not set(self.blocks) <= set(BLOCKS) or len(set(self.blocks)) < len(self.blocks):
            faults.append(f"blocks must name one or more of {list(BLOCKS)}, each once; got {list(self.blocks)}")
        if "entailment" in self.blocks and not self.entailment:
            faults.append("the block entailment needs a model: name it with the setting entailment")
        for name in ("C", "authored_weight", "sentence_weight", "stance_weight"):
            allows_zero = name == "authored_weight"
            values = getattr(self, name)
            fits = all(isfinite(value) and (value > 0 or (value == 0 and allows_zero)) for value in values)
            if not values or not fits:
                least = "0 or more" if allows_zero else "above 0"
                faults.append(f"{name} must hold one or more numbers {least}; got {list(values)}")
        if not (isfinite(self.target_weight) and self.target_weight > 0):
            faults.append(f"target_weight must be above 0; got {self.target_weight}")
        if self.folds < 2:
            faults.append(f"folds must be 2 or more; got {self.folds}")
        if not 0 < self.precision < 1:
            faults.append(f"precision must lie between 0 and 1; got {self.precision}")
        if self.seed < 0:
            faults.append(f"seed must be 0 or more; got {self.seed}")
        if self.jobs == 0:
            faults.append("jobs must be a number of processes, or -1 for one per core; got 0")
        if faults:
            raise ConfigError("; ".join(faults))

    @property
    def used_blocks(self) -> tuple[str, ...]:
        """Blocks of features, the one that `entailment` adds among them."""
        return use_blocks(self.blocks, self.entailment)

    def with_values(self, values: Mapping[str, Any], *, source: str = "the settings") -> Self:
        """Copy with some settings replaced, as they come from TOML or flags; a number stands for a list of one."""
        known = {field.name: type(field.default) for field in fields(self)}
        unknown = sorted(set(values) - set(known))
        faults = [f"unknown setting {name!r}; expected one of {list(known)}" for name in unknown]
        converted = {}
        for name in known.keys() & values.keys():
            item = str if name in ("blocks", "hold_out") else float
            try:
                converted[name] = _convert(values[name], known[name], item)
            except TypeError as error:
                faults.append(f"{name}: {error}")
        if faults:
            raise ConfigError(f"bad {source}: {'; '.join(faults)}")
        try:
            return replace(self, **converted)
        except ConfigError as error:
            raise ConfigError(f"bad {source}: {error}") from None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def use_blocks(blocks: Sequence[str], entailment: str) -> tuple[str, ...]:
    """The blocks, and "entailment" if a model is named for it.

    >>> use_blocks(["lexical"], "models/nli")
    ('lexical', 'entailment')
    """
    return tuple(dict.fromkeys((*blocks, *(["entailment"] if entailment else []))))


def read_config(path: str | Path) -> TrainingConfig:
    """Settings in a TOML file; what it does not name keeps its default.

    Raises `ConfigError` naming every unknown setting and every value that cannot be used.
    """
    return TrainingConfig().with_values(read_toml(path, "settings"), source=f"settings in {path}")


def _convert(value: Any, kind: type, item: type) -> Any:
    """Value of the wanted kind, or a TypeError that says what was expected."""
    if kind is tuple:
        values = value if isinstance(value, list | tuple) else [value]
        return tuple(_convert(one, item, item) for one in values)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else inf  # which no setting takes
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"expected {_KINDS[kind]}, got {value!r}")
    return value


_KINDS = {str: "a text", float: "a number", int: "a whole number"}
