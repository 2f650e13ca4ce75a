import json
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from joblib import cpu_count
from safetensors.numpy import save_file

import stance.crossencoder
from stance.crossencoder import CrossEncoder, TransformersCrossEncoder, choose_onnx
from stance.errors import MissingExtraError, ModelError

THREE_WAY = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
PAIRS = [
    ("keep it", "supports it"),
    ("we shall keep what is good and useful to us all", "it is good"),
    ("scrap", "The speaker supports it, and wants to keep what is good, and says that it is useful."),
    ("", ""),
]
LOGITS = [2.0, 10.0, -2.0, -2.0]  # four times the product of counts, less 2


def change_config(folder, **settings):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))


@pytest.fixture
def workers(monkeypatch):
    """Numbers of threads that were asked for."""
    numbers = []

    def start(number):
        numbers.append(number)
        return ThreadPoolExecutor(number)

    monkeypatch.setattr(stance.crossencoder, "ThreadPoolExecutor", start)
    return numbers


@pytest.mark.parametrize("length", [None, 16])
def test_networks_of_dynamic_and_of_fixed_length_score_pairs(make_network, length):
    encoder = CrossEncoder(make_network(length=length))

    assert encoder.score(PAIRS[:2])[:, 0] == pytest.approx(LOGITS[:2])
    assert encoder.max_tokens == (length or 512)


def test_labels_and_scores_are_in_the_order_of_the_configuration(make_network):
    encoder = CrossEncoder(make_network(labels=THREE_WAY))

    assert encoder.labels == THREE_WAY
    assert encoder.score(PAIRS) == pytest.approx(np.array([[0.0, 0.0, logit] for logit in LOGITS]))


@pytest.mark.parametrize("mixes_pairs", [False, True])
def test_a_pair_is_scored_alike_alone_and_among_others(make_network, mixes_pairs):
    encoder = CrossEncoder(make_network(mixes_pairs=mixes_pairs))
    alone = np.concatenate([encoder.score([pair]) for pair in PAIRS])

    assert encoder.score(PAIRS * 20) == pytest.approx(np.tile(alone, (20, 1)), abs=1e-4)


def test_scores_are_the_same_on_any_number_of_threads(make_network):
    encoder = CrossEncoder(make_network())

    assert np.array_equal(encoder.score(PAIRS * 300), encoder.score(PAIRS * 300, jobs=2))
    assert np.array_equal(encoder.score(PAIRS), encoder.score(PAIRS, jobs=-1))


def test_threads_are_as_many_as_asked_for_or_as_the_process_may_use(make_network, workers):
    encoder = CrossEncoder(make_network())
    for jobs in (-1, 0, 1, 3):
        encoder.score(PAIRS, jobs=jobs)

    assert workers == [cpu_count(), 1, 1, 3]


def test_a_batch_holds_no_more_tokens_than_memory_has_room_for(make_network, monkeypatch):
    encoder = CrossEncoder(make_network())
    logits, shapes = encoder._logits, []

    def note(inputs):
        shapes.append(inputs["input_ids"].shape)
        return logits(inputs)

    monkeypatch.setattr(encoder, "_logits", note)
    pairs = [("keep it", "it " * (n * n)) for n in range(40)] + PAIRS * 20
    scores = encoder.score(pairs)

    assert len(scores) == len(pairs) == sum(n for n, _ in shapes)
    assert max(n for n, _ in shapes) == 32
    assert max(length for _, length in shapes) == 512
    assert max(n * length for n, length in shapes) <= 4_096


def test_scores_that_are_no_numbers_are_refused_on_any_statement(make_network, monkeypatch):
    encoder = CrossEncoder(make_network())
    monkeypatch.setattr(encoder, "_logits", lambda inputs: np.full((len(inputs["input_ids"]), 2), np.inf))

    with pytest.raises(ModelError, match=r"scores that are no numbers.* 16 bits"):
        encoder.score(PAIRS)


def test_a_network_whose_scores_are_no_numbers_is_refused(make_network):
    folder = make_network()
    network = onnx.load(folder / "model.onnx")
    bias = next(constant for constant in network.graph.initializer if constant.name == "bias")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(2, np.nan, np.float32), "bias"))
    onnx.save(network, folder / "model.onnx")

    with pytest.raises(ModelError, match="scores that are no numbers"):
        CrossEncoder(folder)


def test_no_pairs_have_no_scores(make_network):
    assert CrossEncoder(make_network()).score([]).shape == (0, 2)


def test_it_says_how_many_pairs_are_done(make_network):
    said = []
    CrossEncoder(make_network()).score(PAIRS * 300, say=said.append)  # more than are cut into tokens at a time

    assert said == sorted(said)
    assert said[-1] == 1_200


def test_texts_are_read_up_to_the_limits(make_network):
    folder = make_network()
    beyond = [("it " * 100 + "keep", "supports"), ("keep", "it " * 167 + "supports")]
    short, long = CrossEncoder(folder, max_chars=(300, 500)), CrossEncoder(folder, max_chars=(310, 510))

    assert short.score(beyond)[:, 0] == pytest.approx([-2.0, -2.0])
    assert long.score(beyond)[:, 0] == pytest.approx([2.0, 2.0])


def test_a_name_beyond_the_default_limit_is_cut(make_network):
    assert CrossEncoder(make_network()).score([("it " * 100 + "keep", "supports")])[0, 0] == pytest.approx(-2.0)


def test_of_a_pair_with_too_many_tokens_the_longer_text_is_cut(make_network):
    encoder = CrossEncoder(make_network(length=16), max_chars=(5_000, 500))

    assert encoder.score([("keep " + "it " * 1_000, "supports")])[0, 0] == pytest.approx(2.0)
    assert encoder.score([("it " * 1_000 + "keep", "supports")])[0, 0] == pytest.approx(-2.0)


def test_half_a_character_stops_nothing(make_network):
    assert CrossEncoder(make_network()).score([("keep \ud83d", "supports")])[0, 0] == pytest.approx(2.0)


def test_the_fingerprint_follows_the_files(make_network, tmp_path):
    folder = make_network()
    same = shutil.copytree(folder, tmp_path / "same")
    other = shutil.copytree(folder, tmp_path / "other")
    change_config(other, id2label={"0": "not_entailment", "1": "entailment"})

    assert CrossEncoder(folder).fingerprint == CrossEncoder(same).fingerprint
    assert CrossEncoder(folder).fingerprint != CrossEncoder(other).fingerprint
    assert CrossEncoder(folder).fingerprint != CrossEncoder(make_network("fixed", length=16)).fingerprint


def test_an_export_in_its_own_folder_is_found(make_network):
    encoder = CrossEncoder(make_network(file="onnx/model_quantized.onnx"))

    assert encoder.score(PAIRS[:1])[0, 0] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["onnx/model.onnx", "onnx/model_quantized.onnx", "onnx/model_fp16.onnx"], "onnx/model_quantized.onnx"),
        (["onnx/model.onnx", "onnx/model_fp16.onnx"], "onnx/model.onnx"),
        (["model.onnx", "model_quantized.onnx"], "model_quantized.onnx"),
        (["model.onnx", "onnx/model_quantized.onnx"], "onnx/model_quantized.onnx"),
        (["model.onnx", "onnx/model.onnx"], "model.onnx"),
        (["model.onnx"], "model.onnx"),
        (["model.onnx", "model.onnx.data", "onnx/model.onnx"], "onnx/model.onnx"),
        (["onnx/model.onnx", "onnx/model.onnx_data"], None),
        (["onnx/decoder_model.onnx", "pytorch_model.bin"], None),
    ],
)
def test_the_network_that_is_read_is_whole_and_quick(names, chosen):
    assert choose_onnx(names) == chosen


# --- what is no model, or a damaged one ---


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no folder .*nowhere"):
        CrossEncoder(tmp_path / "nowhere")


def test_everything_that_a_foreign_folder_lacks_is_named(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")

    with pytest.raises(ModelError, match=r"no config\.json and no tokenizer\.json and no one of .*model\.onnx"):
        CrossEncoder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a network", b"\x08\x08"])
def test_a_damaged_network_is_refused(make_network, content):
    folder = make_network()
    (folder / "model.onnx").write_bytes(content)

    with pytest.raises(ModelError, match=r"model\.onnx is not a network|takes \[\]"):
        CrossEncoder(folder)


def test_a_network_cut_short_is_refused(make_network):
    path = make_network() / "model.onnx"
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(ModelError, match=r"model\.onnx"):
        CrossEncoder(path.parent)


@pytest.mark.parametrize("content", [b"", b"{}", b"[", b"\xff"])
def test_a_damaged_tokenizer_is_refused(make_network, content):
    folder = make_network()
    (folder / "tokenizer.json").write_bytes(content)

    with pytest.raises(ModelError, match=r"tokenizer\.json is not a tokenizer"):
        CrossEncoder(folder)


@pytest.mark.parametrize(("content", "message"), [("{", "is not JSON"), ("[]", "expected a JSON object")])
def test_a_damaged_configuration_is_refused(make_network, content, message):
    folder = make_network()
    (folder / "config.json").write_text(content)

    with pytest.raises(ModelError, match=message):
        CrossEncoder(folder)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "does not name its labels"),
        ({"0": "entailment"}, "two or more"),
        ({"1": "entailment", "2": "neutral"}, "from 0 on"),
        ({"0": "entailment", "1": "neutral", "2": "contradiction"}, "names 3 labels"),
    ],
)
@pytest.mark.parametrize("length", [None, 16])
def test_labels_that_are_missing_or_do_not_fit_the_network_are_refused(make_network, labels, message, length):
    folder = make_network(length=length)
    change_config(folder, id2label=labels)

    with pytest.raises(ModelError, match=message):
        CrossEncoder(folder)


def test_a_tokenizer_with_more_tokens_than_the_network_is_refused(make_network):
    folder = make_network()
    change_config(folder, vocab_size=5)

    with pytest.raises(ModelError, match=r"tokenizer\.json does not go with the network: it has \d+ tokens.* 5"):
        CrossEncoder(folder)


def test_a_network_of_another_kind_is_refused(make_network):
    folder = make_network()
    network = onnx.load(folder / "model.onnx")
    network.graph.input[1].name = "pixel_values"
    network.graph.node[1].input[0] = "pixel_values"
    onnx.save(network, folder / "model.onnx")

    with pytest.raises(ModelError, match=r"takes \['input_ids', 'pixel_values', 'token_type_ids'\]"):
        CrossEncoder(folder)


# --- without an ONNX file ---


@pytest.fixture
def weights_only(make_network):
    """Folder with weights for PyTorch."""
    folder = make_network()
    (folder / "model.onnx").unlink()
    save_file({"weight": np.zeros(3, np.float32)}, folder / "model.safetensors")
    return folder


@pytest.fixture
def transformers(monkeypatch):
    """Stands for torch and transformers; keeps how it was asked for a network that scores 1 and the length."""

    class Network:
        def float(self):
            return self

        def train(self, mode):
            assert mode is False
            return self

        def forward(self, input_ids, attention_mask=None):
            logits = np.stack([np.ones(len(input_ids)), attention_mask.sum(axis=1)], axis=1)
            return SimpleNamespace(logits=SimpleNamespace(numpy=lambda: logits))

        __call__ = forward

    asked = SimpleNamespace(options={}, missing=[])

    def from_pretrained(folder, **options):
        asked.options = options
        return Network(), {"missing_keys": asked.missing}

    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(from_numpy=np.asarray, inference_mode=nullcontext))
    auto = SimpleNamespace(from_pretrained=from_pretrained)
    monkeypatch.setitem(sys.modules, "transformers", SimpleNamespace(AutoModelForSequenceClassification=auto))
    return asked


def test_weights_for_pytorch_say_which_extra_they_need(weights_only, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(MissingExtraError, match=r'need torch; pip install "stance-classifier\[transformers\]"'):
        TransformersCrossEncoder(weights_only)


def test_transformers_scores_pairs_like_onnx_runtime_does(weights_only, transformers):
    encoder = TransformersCrossEncoder(weights_only)

    assert encoder.score([("a b", "c"), ("a", "c"), ("", "")]).tolist() == [[1.0, 6.0], [1.0, 5.0], [1.0, 3.0]]
    assert encoder.labels == ("entailment", "not_entailment")


def test_transformers_has_one_worker_whatever_is_asked_for(weights_only, transformers, workers):
    encoder = TransformersCrossEncoder(weights_only)
    for jobs in (-1, 1, 4):
        encoder.score(PAIRS, jobs=jobs)

    assert workers == [1, 1, 1]


def test_transformers_may_not_unpickle_nor_run_a_models_own_code(weights_only, transformers):
    TransformersCrossEncoder(weights_only)

    assert transformers.options["use_safetensors"] is True
    assert transformers.options["trust_remote_code"] is False


def test_weights_that_would_be_unpickled_are_not_read(weights_only, transformers):
    (weights_only / "model.safetensors").rename(weights_only / "pytorch_model.bin")

    with pytest.raises(ModelError, match=r"has no model\.safetensors"):
        TransformersCrossEncoder(weights_only)


def test_weights_without_those_of_the_classifier_are_refused(weights_only, transformers):
    transformers.missing = ["classifier.weight", "classifier.bias"]

    with pytest.raises(ModelError, match=r"they lack classifier\.bias, classifier\.weight"):
        TransformersCrossEncoder(weights_only)
