"""Which side a politician's statement takes on an agreement.

The public names load what they need when they are first used: `import stance` alone takes no time.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stance.config import TrainingConfig, read_config
    from stance.data import load_statements
    from stance.entailment import EntailmentFeatures
    from stance.errors import StanceError
    from stance.estimator import StanceClassifier
    from stance.evaluation import Evaluation, evaluate
    from stance.explanation import Contribution
    from stance.persistence import load_model, save_model
    from stance.predictor import Prediction, StancePredictor
    from stance.quotes import extract_quotes
    from stance.reading import read_article
    from stance.training import train

__version__ = "0.1.0"

_HOMES = {
    "Contribution": "explanation",
    "EntailmentFeatures": "entailment",
    "Evaluation": "evaluation",
    "Prediction": "predictor",
    "StanceClassifier": "estimator",
    "StanceError": "errors",
    "StancePredictor": "predictor",
    "TrainingConfig": "config",
    "evaluate": "evaluation",
    "extract_quotes": "quotes",
    "load_model": "persistence",
    "load_statements": "data",
    "read_article": "reading",
    "read_config": "config",
    "save_model": "persistence",
    "train": "training",
}

__all__ = [
    "Contribution",
    "EntailmentFeatures",
    "Evaluation",
    "Prediction",
    "StanceClassifier",
    "StanceError",
    "StancePredictor",
    "TrainingConfig",
    "evaluate",
    "extract_quotes",
    "load_model",
    "load_statements",
    "read_article",
    "read_config",
    "save_model",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"stance.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'stance' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
