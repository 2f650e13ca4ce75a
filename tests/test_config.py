import json
from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.config import BLOCKS, TrainingConfig, read_config
from stance.errors import ConfigError

POSITIVE = st.floats(1e-6, 1e6)
CONFIGS = st.builds(
    TrainingConfig,
    target=st.sampled_from(["", "le-touquet", "Cerdanya « hospital » agreement"]),
    blocks=st.sampled_from([BLOCKS[:3], BLOCKS[::-1], BLOCKS[:1], BLOCKS[1:]]),
    entailment=st.just("models/nli"),
    C=st.lists(POSITIVE, min_size=1, max_size=3).map(tuple),
    authored_weight=st.lists(st.floats(0, 10), min_size=1, max_size=3).map(tuple),
    sentence_weight=st.lists(POSITIVE, min_size=1, max_size=3).map(tuple),
    stance_weight=st.lists(POSITIVE, min_size=1, max_size=3).map(tuple),
    target_weight=POSITIVE,
    folds=st.integers(2, 20),
    precision=st.floats(0.01, 0.99),
    hold_out=st.lists(st.sampled_from(["2016-10-camp", "e0001", "é"]), max_size=2).map(tuple),
    seed=st.integers(0, 2**31),
    jobs=st.sampled_from([-1, 1, 4]),
)
BAD_SETTINGS = {
    "blocks": (),
    "C": (1.0, 0.0),
    "authored_weight": (-0.1,),
    "sentence_weight": (0.0,),
    "stance_weight": (0.0,),
    "target_weight": 0.0,
    "folds": 1,
    "precision": 1.0,
    "seed": -1,
    "jobs": 0,
}


@pytest.fixture
def write_config(tmp_path):
    def write(text):
        path = tmp_path / "train.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def test_the_defaults_are_settings_that_can_be_used():
    assert TrainingConfig().with_values({}) == TrainingConfig()


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(FrozenInstanceError):
        TrainingConfig().seed = 1


@given(CONFIGS)
def test_settings_come_back_from_their_plain_values(config):
    values = json.loads(json.dumps(config.to_dict()))

    assert TrainingConfig().with_values(values) == config


def test_settings_come_back_from_toml(write_config):
    config = TrainingConfig(target="le-touquet", blocks=("lexical",), C=(0.5, 2.0), folds=3, hold_out=("e0001",))
    toml = "\n".join(f"{name} = {json.dumps(value)}" for name, value in config.to_dict().items())

    assert read_config(write_config(toml)) == config


def test_settings_that_a_file_does_not_name_keep_their_defaults(write_config):
    assert read_config(write_config("folds = 3")) == TrainingConfig(folds=3)
    assert read_config(str(write_config(""))) == TrainingConfig()


@pytest.mark.parametrize(
    ("name", "value", "setting"),
    [
        ("C", 2, (2.0,)),
        ("C", [1, 2.5], (1.0, 2.5)),
        ("authored_weight", 0, (0.0,)),
        ("target_weight", 3, 3.0),
        ("blocks", "sentence", ("sentence",)),
        ("hold_out", [], ()),
        ("jobs", -1, -1),
    ],
)
def test_a_value_takes_the_form_of_its_setting(name, value, setting):
    converted = getattr(TrainingConfig().with_values({name: value}), name)

    assert converted == setting
    assert type(converted) is type(setting)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("C", "1", "a number, got '1'"),
        ("C", [1, "2"], "a number, got '2'"),
        ("C", [[1]], "a number, got [1]"),
        ("target_weight", True, "a number, got True"),
        ("folds", 2.0, "a whole number, got 2.0"),
        ("folds", True, "a whole number, got True"),
        ("target", 5, "a text, got 5"),
        ("blocks", [1], "a text, got 1"),
        ("seed", None, "a whole number, got None"),
    ],
)
def test_a_value_of_another_kind_is_refused(name, value, expected):
    with pytest.raises(ConfigError) as refusal:
        TrainingConfig().with_values({name: value})

    assert str(refusal.value) == f"bad the settings: {name}: expected {expected}"


def test_a_number_too_large_for_a_computer_is_refused():
    with pytest.raises(ConfigError, match="C must hold"):
        TrainingConfig().with_values({"C": 10**400})


def test_an_entailment_model_adds_its_block():
    config = TrainingConfig().with_values({"blocks": ["lexical"], "entailment": "models/nli"})

    assert config.used_blocks == ("lexical", "entailment")
    assert "entailment" not in TrainingConfig().used_blocks
    assert replace(config, entailment="").used_blocks == ("lexical",)


def test_the_entailment_block_needs_a_model():
    with pytest.raises(ConfigError, match="needs a model: name it with the setting entailment"):
        TrainingConfig(blocks=("lexical", "entailment"))


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS.items())
def test_a_setting_that_training_cannot_use_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} must .*"):
        TrainingConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("blocks", ("lexical", "lexical")),
        ("blocks", ("lexical", "audio")),
        ("C", ()),
        ("C", (float("nan"),)),
        ("C", (float("inf"),)),
        ("authored_weight", (float("nan"), 0.0)),
        ("target_weight", float("inf")),
        ("target_weight", -1.0),
        ("precision", 0.0),
        ("precision", float("nan")),
    ],
)
def test_a_value_out_of_bounds_is_named_in_the_refusal(name, value):
    shown = list(value) if isinstance(value, tuple) else value

    with pytest.raises(ConfigError) as refusal:
        TrainingConfig(**{name: value})

    assert str(refusal.value).startswith(f"{name} must ")
    assert str(refusal.value).endswith(f"got {shown}")


def test_all_faults_are_told_at_once():
    with pytest.raises(ConfigError) as refusal:
        TrainingConfig(**BAD_SETTINGS)

    faults = str(refusal.value).split("; ")
    assert [fault.split(" must ")[0] for fault in faults if " must " in fault] == list(BAD_SETTINGS)


def test_unknown_settings_and_bad_values_are_told_at_once_with_their_file(write_config):
    path = write_config('epochs = 3\nfolds = "five"\nC = "x"\nlayers = 1')

    with pytest.raises(ConfigError) as refusal:
        read_config(path)

    message = str(refusal.value)
    assert message.startswith(f"bad settings in {path}: unknown setting 'epochs'; expected one of ['target', ")
    for fault in ("'layers'", "folds: expected a whole number, got 'five'", "C: expected a number, got 'x'"):
        assert fault in message


def test_a_value_that_a_file_cannot_set_is_told_with_the_file(write_config):
    path = write_config("folds = 1\njobs = 0")

    with pytest.raises(ConfigError) as refusal:
        read_config(path)

    assert str(refusal.value).startswith(f"bad settings in {path}: folds must be 2 or more; got 1; jobs must ")


@pytest.mark.parametrize("text", ["folds = ", b"target = '\xff'"])
def test_a_file_that_is_no_toml_is_refused_by_name(write_config, text):
    with pytest.raises(ConfigError, match=r"train\.toml is not a TOML file in UTF-8: "):
        read_config(write_config(text))


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read the settings in .*none\.toml: No such file"):
        read_config(tmp_path / "none.toml")


def test_every_setting_is_described():
    for field in fields(TrainingConfig):
        assert f"\n    {field.name} : " in TrainingConfig.__doc__
