"""Finding cross-encoders: in a folder, in the hub's cache or on the hub."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from stance.crossencoder import (
    ONNX_FILES,
    SETTING_FILES,
    CrossEncoder,
    PairScorer,
    TransformersCrossEncoder,
    choose_onnx,
    choose_safetensors,
    import_transformers,
    list_files,
)
from stance.errors import ModelError

log = logging.getLogger("stance")

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")  # "owner/name"; not "name", "a/b/c"
_INDEX = "model.safetensors.index.json"  # names the files that weights are spread over

_NETWORKS_KEPT = 2  # one in use and one that it is compared with; base models take 700 MB each
_Key = tuple[Path, tuple[int, int], tuple[tuple[str, int, int], ...]]
_networks: dict[_Key, PairScorer] = {}  # the last used at the end
_lock = Lock()


def find_model(name: str | Path, *, fetch: bool = True) -> Path:
    """Folder of a cross-encoder: the folder of that name, or the copy of a model on the hub, fetched if need be.

    Of an id "owner/name" the copy in the hub's cache is taken, without asking the hub; if there is none, the
    configuration, the tokenizer and one network are fetched: for ONNX Runtime or, where the model has none of these
    and the extra `transformers` is installed, in safetensors format. What is fetched is logged at INFO.
    Without `fetch` nothing is asked of the hub.

    Raises
    ------
    ModelError
        If there is no such folder or model, it lacks a file, or it cannot be fetched or is not to be.
    MissingExtraError
        If the model needs `transformers` and that is not installed.
    """
    if name and Path(name).is_dir():
        return Path(name)
    if not isinstance(name, str) or not _HUB_ID.fullmatch(name):
        raise ModelError(f"there is no folder {str(name)!r}; expected one, or the id of a model on the hub, owner/name")
    from huggingface_hub import HfApi, snapshot_download  # takes half a second to import

    cached = _find_cached(name)
    if cached is not None:
        return cached
    if not fetch:
        raise ModelError(
            f"the model {name!r} is neither a folder nor, with all its files, in the hub's cache; fetch it with "
            f'`EntailmentFeatures("{name}").fit()`, or say with --entailment in which folder it is'
        )
    try:
        info = HfApi().model_info(name, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    except Exception as error:  # the hub's client raises many kinds, some of them those of its own libraries
        raise _not_fetched(name, error) from error
    wanted = _choose_files(sizes, name)
    megabytes = sum(sizes[file] for file in wanted) / 1e6
    log.info("fetching %s from the hub: %s (%.1f MB)", name, ", ".join(wanted), megabytes)
    try:
        # The commit that was looked at: of another the files might not go together.
        folder = Path(snapshot_download(name, allow_patterns=wanted, revision=info.sha))
        # The client notes what a name stands for, such as main, but not when it is asked for a commit.
        main = folder.parents[1] / "refs" / "main"
        main.parent.mkdir(exist_ok=True)
        main.write_text(folder.name)
        return folder
    except Exception as error:  # as above
        raise _not_fetched(name, error) from error


def _find_cached(name: str) -> Path | None:
    """Folder of a model in the hub's cache that has all that is needed, and can be run as things are installed."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=["config.json"], local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise ModelError(f"there is no folder {name!r}, and no model on the hub has such a name: {error}") from error
    names = list_files(folder)
    whole = {*SETTING_FILES} <= names and (choose_onnx(names) or _can_run_safetensors(folder, names))
    return folder if whole else None


def _can_run_safetensors(folder: Path, names: Collection[str]) -> bool:
    """Tell whether all weights are there, and what runs them is installed: if not, the hub may have ONNX files."""
    if not all(map(find_spec, ("torch", "transformers"))):
        return False
    if "model.safetensors" in names:
        return True
    try:
        parts = set(json.loads((folder / _INDEX).read_bytes())["weight_map"].values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):  # no index, or a damaged one
        return False
    return bool(parts) and parts <= set(names)


def _choose_files(names: Mapping[str, int], model: str) -> list[str]:
    """Files of a model on the hub that are needed, of all that it has."""
    network = choose_onnx(names)
    weights = choose_safetensors(names)
    missing = [name for name in SETTING_FILES if name not in names]
    if network is None and not weights:
        missing.append(f"one of {', '.join(ONNX_FILES)}, nor model.safetensors")
    if missing:
        raise ModelError(f"the model {model} on the hub cannot be used: it has no {' and no '.join(missing)}")
    if network is not None:
        return [*SETTING_FILES, network]
    import_transformers(model)  # before hundreds of megabytes are fetched that it would be missing for
    return [*SETTING_FILES, *weights, *(name for name in names if name == _INDEX)]


def _not_fetched(name: str, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:300]
    return ModelError(
        f"there is no folder {name!r}, and it could not be fetched from the hub ({reason}); check the name and the "
        "connection, or give a folder with config.json, tokenizer.json and model.onnx"
    )


def load_network(model: str | Path, *, max_chars: tuple[int, int]) -> PairScorer:
    """Cross-encoder of that name, run by ONNX Runtime if it can be; see `find_model`.

    The last two are kept, and given again as long as their files are the same.
    """
    folder = find_model(model).resolve()
    names = list_files(folder)
    with _lock:
        stats = [(name, (folder / name).stat()) for name in sorted(names)]
        key = (folder, max_chars, tuple((name, stat.st_size, stat.st_mtime_ns) for name, stat in stats))
        network = _networks.pop(key, None)
        if network is None:
            by_torch = choose_onnx(names) is None and choose_safetensors(names)
            network = (TransformersCrossEncoder if by_torch else CrossEncoder)(folder, max_chars=max_chars)
        _networks[key] = network
        while len(_networks) > _NETWORKS_KEPT:
            del _networks[next(iter(_networks))]
    return network
