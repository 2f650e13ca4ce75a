import json
import logging
import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest

import stance.hub
from stance.crossencoder import CrossEncoder, choose_onnx, list_files
from stance.entailment import EntailmentFeatures
from stance.errors import MissingExtraError, ModelError
from stance.hub import find_model, load_network

COMMIT = "0" * 40
LIMITS = (5_000, 500)


pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.fixture
def hub_copy(make_network, tmp_path):
    """Where the hub's client keeps a model of the name owner/tiny."""
    reference = tmp_path / "hub" / "models--owner--tiny" / "refs" / "main"
    reference.parent.mkdir(parents=True)
    reference.write_text(COMMIT)
    return make_network(f"hub/models--owner--tiny/snapshots/{COMMIT}", file="onnx/model.onnx")


@pytest.fixture
def installed(monkeypatch):
    """Has torch and transformers, or has not."""

    def pretend(installed):
        monkeypatch.setattr(stance.hub, "find_spec", lambda name: SimpleNamespace() if installed else None)

    pretend(True)
    return pretend


@pytest.fixture
def hub(monkeypatch, make_network, tmp_path):
    """Stands for the hub, with one model of several precisions; keeps what was fetched."""
    model = make_network("remote", file="onnx/model_quantized.onnx")
    for name in ("onnx/model.onnx", "onnx/model_fp16.onnx", "pytorch_model.bin", "model.safetensors"):
        (model / name).write_bytes(b"0" * 1_000)
    hub = SimpleNamespace(model=model, fetched=[], commits=[])
    look_up = huggingface_hub.snapshot_download

    def model_info(self, name, files_metadata):
        paths = [path for path in model.rglob("*") if path.is_file()]
        return SimpleNamespace(
            sha="1" * 40,
            siblings=[
                SimpleNamespace(rfilename=path.relative_to(model).as_posix(), size=path.stat().st_size)
                for path in paths
            ],
        )

    def snapshot_download(name, *, allow_patterns, local_files_only=False, revision=None):
        if local_files_only:
            return look_up(name, allow_patterns=allow_patterns, local_files_only=True)
        hub.fetched += allow_patterns
        hub.commits.append(revision)
        folder = tmp_path / "hub" / f"models--{name.replace('/', '--')}" / "snapshots" / revision
        for file in allow_patterns:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(model / file, folder / file)
        return str(folder)

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return hub


def test_a_folder_is_taken_as_it_is(make_network):
    folder = make_network()

    assert find_model(folder) == find_model(str(folder)) == folder


def test_a_model_in_the_hubs_cache_is_found_without_the_hub(hub_copy):
    assert find_model("owner/tiny") == hub_copy
    assert EntailmentFeatures("owner/tiny").fit_transform([("We keep it.", "le-touquet")])[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize("missing", ["onnx/model.onnx", "tokenizer.json", "config.json"])
def test_a_copy_in_the_hubs_cache_that_lacks_a_file_is_not_enough(hub_copy, missing):
    (hub_copy / missing).unlink()

    with pytest.raises(ModelError, match="could not be fetched"):
        find_model("owner/tiny")


def test_a_model_that_cannot_be_fetched_is_one_error_that_says_what_to_do():
    with pytest.raises(ModelError, match=r"'owner/none'.*offline.*check the name and the connection, or give a folder"):
        find_model("owner/none")


@pytest.mark.parametrize("name", ["nowhere", "a/b/c", "", Path("owner/tiny")])
def test_what_is_neither_a_folder_nor_a_name_on_the_hub_is_refused(name):
    with pytest.raises(ModelError, match=r"there is no folder .* owner/name"):
        find_model(name)


def test_a_name_that_the_hub_does_not_allow_is_refused():
    with pytest.raises(ModelError, match="no model on the hub has such a name"):
        find_model("owner/-tiny--")


def test_one_network_of_several_is_fetched_and_that_is_said(hub, caplog):
    with caplog.at_level(logging.INFO, logger="stance"):
        folder = find_model("owner/tiny")

    wanted = ["config.json", "tokenizer.json", "onnx/model_quantized.onnx"]
    assert hub.fetched == wanted
    assert CrossEncoder(folder).labels == ("entailment", "not_entailment")
    assert f"fetching owner/tiny from the hub: {', '.join(wanted)} (0.0 MB)" in caplog.messages


def test_the_commit_that_was_looked_at_is_fetched_and_found_again(hub):
    folder = find_model("owner/tiny")
    again = find_model("owner/tiny", fetch=False)

    assert hub.commits == ["1" * 40]
    assert folder == again


def test_what_is_not_to_be_fetched_says_how_to_fetch_it(hub, make_network):
    folder = make_network()

    with pytest.raises(ModelError, match=r'EntailmentFeatures\("owner/tiny"\)\.fit\(\)`, or say with --entailment'):
        find_model("owner/tiny", fetch=False)
    assert hub.fetched == []
    assert find_model(folder, fetch=False) == folder


def test_a_model_in_the_hubs_cache_need_not_be_fetched(hub_copy):
    assert find_model("owner/tiny", fetch=False) == hub_copy


def leave_weights(folder, *parts, index=None):
    """Leave in a copy of a model, in place of the network for ONNX Runtime, parts of weights and their index."""
    shutil.rmtree(folder / "onnx")
    for part in parts:
        (folder / part).write_bytes(b"")
    if index is not None:
        (folder / "model.safetensors.index.json").write_text(index)


PARTS = ("model-1-of-2.safetensors", "model-2-of-2.safetensors")
INDEX = json.dumps({"weight_map": {"a": PARTS[0], "b": PARTS[1], "c": PARTS[1]}})


def test_cached_weights_are_enough_where_they_can_be_run(hub_copy, hub, installed):
    leave_weights(hub_copy, "model.safetensors")
    assert find_model("owner/tiny") == hub_copy

    installed(False)
    assert choose_onnx(list_files(find_model("owner/tiny"))) == "onnx/model_quantized.onnx"


@pytest.mark.parametrize(
    ("parts", "index", "whole"),
    [
        (PARTS, INDEX, True),
        (PARTS[:1], INDEX, False),
        (PARTS, None, False),
        (PARTS, "{", False),
        (PARTS, "[]", False),
        (PARTS, '{"weight_map": {}}', False),
        (PARTS, '{"weight_map": {"a": [1]}}', False),
    ],
)
def test_cached_weights_in_parts_are_enough_if_all_are_there(hub_copy, installed, parts, index, whole):
    leave_weights(hub_copy, *parts, index=index)

    if whole:
        assert find_model("owner/tiny", fetch=False) == hub_copy
    else:
        with pytest.raises(ModelError, match="neither a folder nor, with all its files"):
            find_model("owner/tiny", fetch=False)


def test_the_last_two_networks_are_kept(make_network):
    folders = [make_network(name) for name in ("one", "two", "three")]
    one, two = (load_network(folder, max_chars=LIMITS) for folder in folders[:2])

    assert load_network(str(folders[0]), max_chars=LIMITS) is one
    load_network(folders[2], max_chars=LIMITS)
    assert load_network(folders[0], max_chars=LIMITS) is one
    assert load_network(folders[1], max_chars=LIMITS) is not two


def test_a_network_that_has_changed_or_is_read_to_other_limits_is_read_anew(make_network):
    folder = make_network()
    first = load_network(folder, max_chars=LIMITS)
    os.utime(folder / "tokenizer.json", ns=(1, 1))
    second = load_network(folder, max_chars=LIMITS)

    assert first is not second
    assert load_network(folder, max_chars=(10, 10)).max_chars == (10, 10)
    assert load_network(folder, max_chars=LIMITS) is second


def test_a_model_on_the_hub_without_the_files_is_refused_before_anything_is_fetched(hub):
    for name in ("onnx/model_quantized.onnx", "onnx/model.onnx", "onnx/model_fp16.onnx", "model.safetensors"):
        os.remove(hub.model / name)
    os.remove(hub.model / "tokenizer.json")

    with pytest.raises(ModelError, match=r"no tokenizer\.json and no one of .*, nor model\.safetensors"):
        find_model("owner/tiny")
    assert hub.fetched == []


def test_without_an_onnx_file_the_extra_is_asked_for_before_anything_is_fetched(hub, monkeypatch):
    shutil.rmtree(hub.model / "onnx")
    monkeypatch.setitem(sys.modules, "transformers", None)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())

    with pytest.raises(MissingExtraError, match=r'owner/tiny .* pip install "stance-classifier\[transformers\]"'):
        find_model("owner/tiny")
    assert hub.fetched == []


def test_with_the_extra_safetensors_are_fetched_and_no_pickles(hub, monkeypatch):
    shutil.rmtree(hub.model / "onnx")
    for name in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace())
    find_model("owner/tiny")

    assert hub.fetched == ["config.json", "tokenizer.json", "model.safetensors"]
