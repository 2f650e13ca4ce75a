import threading

import numpy as np
import pytest

from stance.sentence_encoder import EMBEDDING_SIZE, MAX_ENCODED_CHARS, encode_sentences, load_encoder

STATEMENTS = ["We must keep the agreement.", "Il faut garder l'accord.", "Whisk the egg whites to stiff peaks."]


def test_embeddings_are_unit_vectors():
    embeddings = encode_sentences(STATEMENTS)

    assert embeddings.shape == (3, EMBEDDING_SIZE)
    assert embeddings.dtype == np.float32
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_a_translation_lies_nearer_than_another_topic():
    english, french, recipe = encode_sentences(STATEMENTS)

    assert english @ french > 0.3 + max(english @ recipe, french @ recipe)


def test_a_statement_is_encoded_alike_alone_and_among_others():
    many = encode_sentences([*STATEMENTS, *map(str, range(20))])

    assert encode_sentences(STATEMENTS[:1])[0] == pytest.approx(many[0], abs=1e-5)


def test_embeddings_are_the_same_whatever_the_number_of_processes():
    texts = [f"statement {number}" for number in range(515)]

    assert np.array_equal(encode_sentences(texts), encode_sentences(texts, jobs=2))


def test_no_text_and_empty_texts_have_embeddings():
    assert encode_sentences([]).shape == (0, EMBEDDING_SIZE)
    assert np.isfinite(encode_sentences(["", " "])).all()


def test_only_the_beginning_of_a_long_text_is_read():
    beginning = ("keep it. " * MAX_ENCODED_CHARS)[:MAX_ENCODED_CHARS]

    assert np.array_equal(encode_sentences([beginning]), encode_sentences([beginning + " Never!"]))


def test_threads_share_one_encoder_and_get_the_same_embeddings():
    expected = encode_sentences(STATEMENTS)
    results = []
    threads = [threading.Thread(target=lambda: results.append(encode_sentences(STATEMENTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert load_encoder() is load_encoder()
    assert len(results) == 4
    assert all(np.array_equal(result, expected) for result in results)
