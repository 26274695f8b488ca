"""Train the language identification model and write it as one ONNX file.

The model is multinomial logistic regression over character n-grams (Cavnar & Trenkle, "N-Gram-Based Text
Categorization", 1994, for the features), calibrated with one temperature (Guo et al., "On Calibration of Modern
Neural Networks", 2017). The ONNX graph takes the raw text: it cuts it into characters, folds them, counts the n-grams
and classifies, so that nothing has to be done to the text before it.

    python train.py --scratch /some/folder

needs Debian 12 with apt (the text is read out of Debian packages), and writes `language-identification.onnx` and
`training.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import random
import zlib
from collections import Counter
from pathlib import Path

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper
from scipy.sparse import csr_matrix, diags
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

import corpus

HERE = Path(__file__).parent
SEED = 20
CAMPAIGNS = "did dm dw ei httt l low nr sof sota sotbe thot trow tsg ttb utbs".split()
CATALOGUE_PACKAGES = [
    "wesnoth-1.16-data",
    *(f"wesnoth-1.16-{campaign}" for campaign in CAMPAIGNS),
    "claws-mail-i18n",
    "evolution-common",
    "freeciv-data",
    "gnucash-common",
    "gramps",
    "inkscape",
    "kmymoney-common",
    "pidgin-data",
    "vlc-l10n",
    "warzone2100-data",
    "wordpress-l10n",
]
READERS = {
    **{package: corpus.catalogues for package in CATALOGUE_PACKAGES},
    "fillets-ng-data": corpus.fillets_dialogues,
}

LONGEST_N_GRAM = 4
N_GRAMS = 48_000
SENTENCES_PER_LANGUAGE = 12_000
RAREST_CHARACTER = 12
UNKNOWN, SPACE, HANGUL = "\ufffd", " ", "가"
READ_CHARACTERS = 4_096
INVERSE_REGULARISATION = 30
MOST_ITERATIONS = 80
DESCRIPTION = "Says in which of the listed languages (ISO 639-1) a text is written. See MODEL_CARD.md."
LICENSE = "GPL-3.0-or-later"


def training_corpus(scratch: Path) -> tuple[corpus.Sentences, dict[str, str]]:
    """All the training sentences by language, and the version of every package they were read from; kept in the scratch folder."""
    archives = {package: corpus.download(package, scratch / "packages") for package in READERS}
    versions = {package: corpus.version(archive) for package, archive in archives.items()}
    kept = scratch / "training-sentences.json"
    if not kept.exists():
        found = corpus.collect(text for package, archive in archives.items() for text in READERS[package](archive))
        kept.write_text(json.dumps({language: found[language] for language in corpus.LANGUAGES}, ensure_ascii=False))
    return json.loads(kept.read_text()), versions


def examples(sentences: corpus.Sentences) -> tuple[list[str], list[str]]:
    """Texts and their languages: for every sentence taken, itself and a piece of it, so that short texts are learnt too.

    Sentences that are short themselves are labels of buttons and the like more often than language as people write it.
    """
    chance = random.Random(SEED)
    english = [word for sentence in sentences["en"] for word in sentence.split(" ") if word.isalpha()]
    texts, languages = [], []
    for language, found in sentences.items():
        long = [sentence for sentence in found if len(sentence) >= (8 if language in corpus.DENSE else 25)]
        taken = chance.sample(long, min(len(long), SENTENCES_PER_LANGUAGE))
        whole = [with_english_word(sentence, english, chance) if chance.random() < 0.2 else sentence for sentence in taken]
        for text in [*whole, *(piece(sentence, chance) for sentence in taken)]:
            texts.append(text)
            languages.append(language)
    return texts, languages


def with_english_word(sentence: str, english: list[str], chance: random.Random) -> str:
    """A sentence with one or two English words put in between, as the names of products and films stand in any language."""
    gaps = [index for index, character in enumerate(sentence) if character == " "] or range(len(sentence))
    gap = chance.choice(gaps)
    return " ".join([sentence[:gap], *chance.choices(english, k=chance.randint(1, 2)), sentence[gap:].strip()])


def piece(sentence: str, chance: random.Random) -> str:
    """One to six words of a sentence that follow each other; two to twelve characters where words are not separated."""
    words = sentence.split(" ")
    if len(words) < 3 and len(sentence) > 25 or len(sentence) / len(words) > 15:
        start = chance.randrange(len(sentence) - 2)
        return sentence[start : start + chance.randint(2, 12)]
    start = chance.randrange(len(words))
    return " ".join(words[start : start + chance.randint(1, 6)])


def folding(texts: list[str]) -> dict[str, str]:
    """What each character counts as: letters in lower case, every Hangul syllable as one, all that is no letter as space.

    A character that is not in the table, as an emoji or a rare letter, counts as unknown and is part of no n-gram.
    """
    counts = Counter(character for text in texts for character in text)
    table = {character: SPACE for character in map(chr, range(128)) if not character.isalpha()}
    for character, count in counts.items():
        lower, upper = character.lower(), character.upper()
        if character.isalpha() and count >= RAREST_CHARACTER and len(lower) == 1:
            table[character] = table[lower] = lower
            if len(upper) == 1:
                table[upper] = lower
        elif not character.isalnum() and count >= RAREST_CHARACTER:
            table[character] = SPACE
    table.update({chr(code): HANGUL for code in range(0xAC00, 0xD7A4)})
    table.update({"'": "'", "’": "'", "¿": "¿", "¡": "¡", "İ": "i"})
    return table


def fold(text: str, table: dict[str, str]) -> str:
    """A text as the model reads it: folded, with a space at either end to mark the first and the last word."""
    spaced = f" {text} "[:READ_CHARACTERS]
    return "".join(table.get(character, UNKNOWN) for character in spaced)


def n_grams(folded: str) -> list[str]:
    """All runs of one to four characters that hold neither an unknown one nor two spaces."""
    runs = (folded[i : i + n] for n in range(1, LONGEST_N_GRAM + 1) for i in range(len(folded) - n + 1))
    return [run for run in runs if UNKNOWN not in run and "  " not in run and run != SPACE]


def choose_n_grams(counts: csr_matrix, languages: numpy.ndarray) -> numpy.ndarray:
    """The columns that tell most about a language: the best of each, in turn, by p(n-gram|language) · log(p(n-gram|language)/p(n-gram))."""
    frequency = numpy.vstack([counts[languages == column].sum(axis=0).A1 for column in range(len(corpus.LANGUAGES))])
    frequency = frequency / frequency.sum(axis=1, keepdims=True)
    information = frequency * numpy.log(numpy.maximum(frequency, 1e-12) / numpy.maximum(frequency.mean(axis=0), 1e-12))
    place = numpy.argsort(numpy.argsort(-information, axis=1), axis=1).min(axis=0)
    return numpy.sort(numpy.argsort(place, kind="stable")[:N_GRAMS])


def unit_length(counts: csr_matrix) -> csr_matrix:
    """Divide each row by its Euclidean length, at least 1."""
    length = numpy.sqrt(counts.multiply(counts).sum(axis=1)).A1
    return (diags(1 / numpy.maximum(length, 1)) @ counts).astype(numpy.float32).tocsr()


def temperature(scores: numpy.ndarray, truth: numpy.ndarray) -> float:
    """The temperature with the least log loss for these scores [texts, languages] and true columns [texts]."""
    candidates = numpy.geomspace(0.2, 5, 200)
    losses = [-log_softmax(scores / candidate, axis=1)[numpy.arange(len(truth)), truth].mean() for candidate in candidates]
    return float(candidates[int(numpy.argmin(losses))])


def quantise(weights: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Weights [n-grams, languages] as 8-bit integers and one scale for each n-gram [n-grams, 1]."""
    scale = numpy.maximum(numpy.abs(weights).max(axis=1, keepdims=True), 1e-6) / 127
    return numpy.round(weights / scale).astype(numpy.int8), scale.astype(numpy.float16)


def build_model(
    vocabulary: list[str],
    table: dict[str, str],
    weights: tuple[numpy.ndarray, numpy.ndarray],
    bias: numpy.ndarray,
) -> onnx.ModelProto:
    """The ONNX graph: text → characters → folded, as numbers → n-gram counts → unit length → linear → softmax → label.

    `vocabulary` is in the order of the weights' rows, and its n-grams come from the shortest to the longest.
    """
    number = {character: index + 1 for index, character in enumerate(sorted(set("".join(vocabulary))))}
    folded = {character: number[lower] for character, lower in table.items() if lower in number}
    sizes = Counter(map(len, vocabulary))
    starts = [sum(size * sizes[size] for size in range(1, length)) for length in range(1, LONGEST_N_GRAM + 1)]
    numbers = {
        "weights_int8": weights[0],
        "weights_scale": weights[1],
        "bias": bias.astype(numpy.float32),
        "one": numpy.array(1, numpy.float32),
        "first": numpy.array([0], numpy.int64),
        "last": numpy.array([READ_CHARACTERS], numpy.int64),
        "axis": numpy.array([1], numpy.int64),
    }
    labels = [label.encode() for label in corpus.LANGUAGES]
    constants = [
        helper.make_tensor("space", TensorProto.STRING, [], [SPACE.encode()]),
        helper.make_tensor("labels", TensorProto.STRING, [len(labels)], labels),
        *(onnx.numpy_helper.from_array(value, name) for name, value in numbers.items()),
    ]
    nodes = [
        helper.make_node("StringConcat", ["space", "text"], ["opened"]),
        helper.make_node("StringConcat", ["opened", "space"], ["closed"]),
        helper.make_node(
            "Tokenizer", ["closed"], ["all_characters"],
            domain="com.microsoft", mark=0, mincharnum=1, pad_value=UNKNOWN, separators=[""],
        ),
        helper.make_node("Slice", ["all_characters", "first", "last", "axis"], ["characters"]),
        helper.make_node(
            "LabelEncoder", ["characters"], ["folded"],
            domain="ai.onnx.ml", keys_strings=list(folded), values_int64s=list(folded.values()), default_int64=0,
        ),
        helper.make_node(
            "TfIdfVectorizer", ["folded"], ["counts"],
            mode="TF", min_gram_length=1, max_gram_length=LONGEST_N_GRAM, max_skip_count=0,
            ngram_counts=starts, ngram_indexes=list(range(len(vocabulary))),
            pool_int64s=[number[character] for run in vocabulary for character in run],
        ),
        helper.make_node("ReduceL2", ["counts", "axis"], ["any_length"], keepdims=1),
        helper.make_node("Max", ["any_length", "one"], ["length"]),
        helper.make_node("Div", ["counts", "length"], ["features"]),
        helper.make_node("Cast", ["weights_int8"], ["weights_whole"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["weights_scale"], ["scale"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["weights_whole", "scale"], ["weights"]),
        helper.make_node("MatMul", ["features", "weights"], ["products"]),
        helper.make_node("Add", ["products", "bias"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["probabilities"], ["best"], axis=1, keepdims=0),
        helper.make_node("Gather", ["labels", "best"], ["label"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "language-identification",
        [helper.make_tensor_value_info("text", TensorProto.STRING, ["N"])],
        [
            helper.make_tensor_value_info("label", TensorProto.STRING, ["N"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", len(labels)]),
        ],
        constants,
    )
    opsets = [helper.make_opsetid(*opset) for opset in (("", 20), ("ai.onnx.ml", 4), ("com.microsoft", 1))]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="skillgate")
    helper.set_model_props(model, {"labels": json.dumps(corpus.LANGUAGES), "description": DESCRIPTION, "license": LICENSE})
    return model


def disagreement(model: onnx.ModelProto, expected: numpy.ndarray, texts: list[str]) -> float:
    """The largest difference between the probabilities of the ONNX graph and the expected ones [texts, languages]."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    found = [session.run(["probabilities"], {"text": [text]})[0][0] for text in texts]
    return float(numpy.abs(numpy.array(found) - expected).max())


def train(scratch: Path) -> tuple[onnx.ModelProto, dict]:
    """Train, calibrate, quantise and check; gives the model and a record of how it came about."""
    sentences, packages = training_corpus(scratch)
    texts, languages = examples(sentences)
    table = folding(texts)
    held_out = numpy.array([zlib.crc32(text.encode()) % 10 == 0 for text in texts])
    truth = numpy.array([corpus.LANGUAGES.index(language) for language in languages])

    folded = [fold(text, table) for text in texts]
    counter = CountVectorizer(analyzer=n_grams, min_df=8, dtype=numpy.float32)
    counts = counter.fit_transform(folded)
    chosen = choose_n_grams(counts, truth)
    names = counter.get_feature_names_out()[chosen]
    order = numpy.lexsort((names, [len(name) for name in names]))
    vocabulary = list(names[order])
    features = unit_length(counts[:, chosen[order]])

    classifier = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=MOST_ITERATIONS)
    classifier.fit(features[~held_out], truth[~held_out])
    scores = classifier.decision_function(features[held_out])
    divisor = temperature(scores, truth[held_out])
    quantised = quantise(classifier.coef_.T / divisor)
    model = build_model(vocabulary, table, quantised, classifier.intercept_ / divisor)

    checked = numpy.flatnonzero(held_out)[:: max(1, held_out.sum() // 2000)]
    exact = softmax(
        features[checked] @ (quantised[0] * quantised[1].astype(numpy.float32)) + classifier.intercept_ / divisor, axis=1
    )
    difference = disagreement(model, exact, [texts[index] for index in checked])
    if difference > 1e-4:
        raise RuntimeError(f"the ONNX graph and the Python model differ by {difference}")
    record = {
        "packages": packages,
        "sentences": {language: len(found) for language, found in sentences.items()},
        "n_grams": len(vocabulary),
        "characters": len(table),
        "temperature": round(divisor, 3),
        "held_out_accuracy": round(float((scores.argmax(axis=1) == truth[held_out]).mean()), 4),
        "onnx_python_largest_difference": difference,
        "bytes": model.ByteSize(),
    }
    return model, record


def main() -> None:
    """Train and write the model and the record of its training."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=Path, required=True, help="a folder for downloads, 600 MB")
    model, record = train(parser.parse_args().scratch.resolve())
    onnx.checker.check_model(model)
    onnx.save(model, HERE / "language-identification.onnx")
    (HERE / "training.json").write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))


if __name__ == "__main__":
    main()
