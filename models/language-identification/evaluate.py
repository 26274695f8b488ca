"""Evaluate `language-identification.onnx` on sentences from sources that it was not trained on, and print the tables.

    python evaluate.py --scratch /some/folder

The sources are other packages, of other kinds, than those of `train.py`, and a sentence that also stands in the
training text, in any language, is left out. Writes `evaluation.json` beside itself.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy
import onnxruntime

import corpus
import train

HERE = Path(__file__).parent
SEED = 7
MOST_A_SOURCE = 500
# A handbook with fewer sentences is hardly translated: what stands there is English around translated headings.
LEAST_TRANSLATED = 500
LENGTHS = {"10-19": (10, 20), "20-39": (20, 40), "40+": (40, 1_000)}
CLOSE = ["da nb sv", "cs sk", "hr sl sr", "bg ru uk sr", "es pt gl ca", "lt lv", "et fi", "ar fa", "ja zh"]


def sources(scratch: Path) -> dict[str, corpus.Sentences]:
    """The evaluation's sentences by source and language."""
    packages = scratch / "packages"
    handbook = corpus.collect(corpus.handbook(corpus.download("debian-handbook", packages)))
    return {
        "package descriptions": corpus.collect(corpus.package_descriptions(scratch / "descriptions")),
        "software summaries": corpus.collect(corpus.software_summaries(scratch / "summaries")),
        "Debian handbook": {language: found for language, found in handbook.items() if len(found) >= LEAST_TRANSLATED},
        "GNOME help": corpus.collect(corpus.help_pages(corpus.download("gnome-user-docs", packages))),
        "FreedroidRPG dialogues": corpus.collect(corpus.catalogues(corpus.download("freedroidrpg-data", packages))),
        "Hedgewars missions": corpus.collect(corpus.hedgewars_texts(corpus.download("hedgewars-data", packages))),
    }


def draw(found: dict[str, corpus.Sentences], languages: list[str], known: set[str]) -> list[tuple[str, str, str]]:
    """At most MOST_A_SOURCE sentences of each source, language and length, none in `known`: source, language, sentence."""
    chance = random.Random(SEED)
    drawn = []
    for source, sentences in found.items():
        for language in languages:
            for least, most in LENGTHS.values():
                fit = [text for text in sentences.get(language, []) if least <= len(text) < most]
                fresh = [text for text in fit if corpus.fingerprint(text) not in known]
                chosen = chance.sample(fresh, min(len(fresh), MOST_A_SOURCE))
                known.update(map(corpus.fingerprint, chosen))
                drawn += [(source, language, text) for text in chosen]
    return drawn


def predict(session: onnxruntime.InferenceSession, texts: list[str]) -> tuple[list[str], numpy.ndarray]:
    """The model's label and its probability for each text."""
    labels, confidences = [], []
    for start in range(0, len(texts), 64):
        batch = numpy.array(texts[start : start + 64], dtype=object)
        label, probabilities = session.run(["label", "probabilities"], {"text": batch})
        labels += list(label)
        confidences.append(probabilities.max(axis=1))
    return labels, numpy.concatenate(confidences)


def calibration_error(right: numpy.ndarray, confidence: numpy.ndarray) -> float:
    """Expected calibration error over ten equal bins (Guo et al., 2017)."""
    bins = numpy.minimum((confidence * 10).astype(int), 9)
    gaps = [(bins == one).mean() * abs(right[bins == one].mean() - confidence[bins == one].mean()) for one in set(bins)]
    return float(sum(gaps))


def length_of(text: str) -> str:
    """The name of the length range that a text falls in."""
    return next(name for name, (least, most) in LENGTHS.items() if least <= len(text) < most)


def summarise(drawn: list[tuple[str, str, str]], labels: list[str], confidence: numpy.ndarray) -> dict:
    """All the figures: by length, by source, by language and the confusions; accuracy over all languages is their mean."""
    right = numpy.array([label == language for (_, language, _), label in zip(drawn, labels, strict=True)])
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, (source, language, text) in enumerate(drawn):
        length = length_of(text)
        for group in [("length", length), ("source", source, length), ("language", language, length)]:
            groups[group].append(index)

    def figures(group: tuple[str, ...]) -> dict:
        rows = groups[group]
        return {"sentences": len(rows), "accuracy": round(float(right[rows].mean()), 4)} if rows else {"sentences": 0}

    languages = {language: {length: figures(("language", language, length)) for length in LENGTHS} for language in corpus.LANGUAGES}
    lengths = {}
    for length in LENGTHS:
        rows = groups["length", length]
        known = [of[length]["accuracy"] for of in languages.values() if of[length]["sentences"]]
        lengths[length] = {
            **figures(("length", length)),
            "mean_of_languages": round(float(numpy.mean(known)), 4),
            "calibration_error": round(calibration_error(right[rows], confidence[rows]), 4),
        }
    wrong = Counter((drawn[row][1], labels[row]) for row in groups["length", "40+"] if not right[row])
    return {
        "lengths": lengths,
        "sources": {
            source: {length: figures(("source", source, length)) for length in LENGTHS}
            for source in dict.fromkeys(source for source, _, _ in drawn)
        },
        "languages": languages,
        "confusions_40+": [
            {"language": language, "answer": answer, "sentences": count} for (language, answer), count in wrong.most_common(20)
        ],
        "close_languages_40+": {
            names: {
                language: dict(Counter(labels[row] for row in groups["language", language, "40+"] if labels[row] in names.split()))
                for language in names.split()
            }
            for names in CLOSE
        },
    }


def foreign(session: onnxruntime.InferenceSession, found: dict[str, corpus.Sentences]) -> dict:
    """What the model says of sentences of 40 characters and more in languages that it does not know."""
    drawn = [row for row in draw(found, corpus.FOREIGN_LANGUAGES, set()) if length_of(row[2]) == "40+"]
    report = {}
    for language in sorted({row[1] for row in drawn}):
        labels, confidence = predict(session, [text for _, of, text in drawn if of == language])
        answer, count = Counter(labels).most_common(1)[0]
        report[language] = {
            "sentences": len(labels),
            "mean_confidence": round(float(confidence.mean()), 3),
            "confidence_over_0.9": round(float((confidence > 0.9).mean()), 3),
            "most_common_answer": answer,
            "share": round(count / len(labels), 3),
        }
    return report


def print_tables(report: dict) -> None:
    """Print the report as the tables of the model card (Markdown)."""

    def cell(figures: dict) -> str:
        return f"{100 * figures['accuracy']:.1f} % ({figures['sentences']})" if figures["sentences"] else "–"

    heads = " | ".join(f"{length} characters" for length in LENGTHS)
    for title in ("sources", "languages"):
        print(f"\n| {title[:-1]} | {heads} |\n|{'---|' * (len(LENGTHS) + 1)}")
        for name, row in report[title].items():
            print(f"| {name} | {' | '.join(cell(row[length]) for length in LENGTHS)} |")
    print("\n| length | sentences | accuracy | mean of the languages' accuracies | calibration error |\n|---|---|---|---|---|")
    for length, row in report["lengths"].items():
        values = f"{100 * row['accuracy']:.2f} % | {100 * row['mean_of_languages']:.2f} % | {row['calibration_error']:.3f}"
        print(f"| {length} | {row['sentences']} | {values} |")
    print("\n| close languages, 40+ characters | is: answered (sentences) |\n|---|---|")
    for names, rows in report["close_languages_40+"].items():
        answers = {
            language: ", ".join(f"{answer} {count}" for answer, count in sorted(row.items())) for language, row in rows.items()
        }
        print(f"| {names} | {'; '.join(f'{language}: {answered}' for language, answered in answers.items())} |")
    print("\nMost frequent mistakes, 40+ characters: ", end="")
    print(", ".join(f"{row['language']}→{row['answer']} {row['sentences']}" for row in report["confusions_40+"]))
    print("\n| unknown language | sentences | mean confidence | confidence over 0.9 | most common answer |\n|---|---|---|---|---|")
    for language, row in report["unknown_languages_40+"].items():
        shares = f"{row['mean_confidence']:.2f} | {100 * row['confidence_over_0.9']:.0f} % | {row['most_common_answer']} ({100 * row['share']:.0f} %)"
        print(f"| {language} | {row['sentences']} | {shares} |")
    print(f"\nsamples.json: {report['samples']['right']} of {report['samples']['sentences']} right")


def main() -> None:
    """Evaluate, print the tables and write `evaluation.json`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scratch", type=Path, required=True, help="a folder for downloads, as for train.py")
    scratch = parser.parse_args().scratch.resolve()
    session = onnxruntime.InferenceSession(HERE / "language-identification.onnx")
    sentences, _ = train.training_corpus(scratch)
    known = {corpus.fingerprint(text) for found in sentences.values() for text in found}
    found = sources(scratch)
    drawn = draw(found, corpus.LANGUAGES, known)
    labels, confidence = predict(session, [text for _, _, text in drawn])
    samples = json.loads((HERE / "samples.json").read_text())
    sample_labels, _ = predict(session, [sample["text"] for sample in samples])
    report = {
        **summarise(drawn, labels, confidence),
        "unknown_languages_40+": foreign(session, found),
        "samples": {
            "sentences": len(samples),
            "right": sum(label == sample["language"] for label, sample in zip(sample_labels, samples, strict=True)),
        },
    }
    print_tables(report)
    (HERE / "evaluation.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
