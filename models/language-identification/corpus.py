"""Text in many languages, read out of Debian packages: fetched, cut into sentences and cleaned.

Nothing here is specific to training or evaluation; `train.py` and `evaluate.py` choose their sources from it.
The text stays in the scratch folder and is never part of the repository.
"""

from __future__ import annotations

import html
import re
import subprocess
import tarfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polib
import yaml

LANGUAGES = (
    "ar bg ca cs da de el en es et eu fa fi fr gl he hr hu id it ja ko lt lv nb nl pl pt ro ru sk sl sr sv tr uk vi zh"
).split()

# Languages that the model does not know, to see what it says of them.
FOREIGN_LANGUAGES = "be bs eo ga is ms nn oc sq".split()

# Countries whose regional locale counts for the language (pt_BR as pt); Serbian counts in Cyrillic only.
_COUNTRIES = {
    "ar": "MA SA", "bg": "BG", "ca": "ES", "cs": "CZ", "da": "DK", "de": "DE", "el": "GR", "en": "US", "es": "ES",
    "et": "EE", "fa": "IR", "fr": "FR", "gl": "ES", "he": "IL", "hr": "HR", "hu": "HU", "id": "ID", "it": "IT",
    "ja": "JP", "ko": "KR", "lt": "LT", "nb": "NO", "nl": "NL", "pl": "PL", "pt": "BR PT", "ro": "RO", "ru": "RU",
    "sk": "SK", "sl": "SI", "sr": "RS", "sv": "SE", "tr": "TR", "uk": "UA", "vi": "VN", "zh": "CN TW",
}  # fmt: skip
LOCALES = {
    "C": "en",
    **{language: language for language in [*LANGUAGES, *FOREIGN_LANGUAGES]},
    **{
        f"{language}{mark}{country}": language
        for language, countries in _COUNTRIES.items()
        for country in countries.split()
        for mark in "_-"
    },
}

# The scripts, as Unicode character names begin, in which a language is written; Latin where it is not listed.
SCRIPTS = {
    "ar": ("ARABIC",), "fa": ("ARABIC",), "bg": ("CYRILLIC",), "ru": ("CYRILLIC",), "uk": ("CYRILLIC",),
    "sr": ("CYRILLIC",), "be": ("CYRILLIC",), "el": ("GREEK",), "he": ("HEBREW",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"), "ko": ("HANGUL",), "zh": ("CJK",),
}  # fmt: skip

# Languages that say much in few characters.
DENSE = ("ja", "ko", "zh")

Texts = Iterator[tuple[str, str]]
Sentences = dict[str, list[str]]

CATALOGUE = r"/(?:(?=[^/]+/LC_MESSAGES/)|languages/(?:admin-)?)([^/.]+)(?:/LC_MESSAGES/[^/]+)?\.mo$"
_ENGLISH_WORDS = frozenset("the of and with this that from you which your".split())
_MARKUP = re.compile(r"<[^<>]{1,300}>|\(_?&?[A-Za-z]\)|\([_&][A-Za-z0-9]\)")
_CODE = re.compile(
    r"https?://\S+|\S+@\S+|%\([a-zA-Z_]+\)[a-z]|%[-+0-9.$]*(?:l{0,2}[a-zA-Z])|\$\{?\w+\}?\|?|\{[^{}]*\}|@\w+@"
    r"|\S*[\\/=|<>_#*`^~\[\]]\S*|(?<!\w)--?\w[\w-]*|\S*\w[.:]\w\S*|\S*\d\S*"
)
_END = re.compile(r"(?<=[.!?…])[\"'”’»)]*\s+|(?<=[。！？])|\n+")
_SPACE = re.compile(r"\s+")


def sentences(text: str, language: str) -> Iterator[str]:
    """Cut a text into sentences without markup, code or placeholders; those not written in the language's script are dropped."""
    text = html.unescape(_MARKUP.sub(" ", text.replace("\\n", "\n")))
    text = re.sub(r"(?<!\S)[_&](?=\w)|(?<=\w)[_&](?=\w)", "", text)
    for part in _END.split(unicodedata.normalize("NFC", text)):
        sentence = _SPACE.sub(" ", _CODE.sub(" ", part)).strip(" -–—•*\"'“”«»„()")
        if _is_prose(sentence, language):
            yield sentence


def _is_prose(sentence: str, language: str) -> bool:
    """Whether a sentence is long enough, made of letters of the language's script, and no English left untranslated."""
    letters = [character for character in sentence if character.isalpha()]
    least = 4 if language in DENSE else 10
    if len(letters) < least or len(letters) < 0.75 * len(sentence.replace(" ", "")) or len(sentence) > 400:
        return False
    scripts = SCRIPTS.get(language, ("LATIN",))
    own = sum(unicodedata.name(letter, "").startswith(scripts) for letter in letters)
    if own < 0.7 * len(letters):
        return False
    return language == "en" or len(_ENGLISH_WORDS.intersection(sentence.lower().split())) < 2


def fingerprint(sentence: str) -> str:
    """What two sentences share when they differ in case, spacing and punctuation only."""
    return "".join(character for character in sentence.casefold() if character.isalpha())


def collect(texts: Texts) -> Sentences:
    """Sentences by language, each once; a sentence that is also found in English is taken as untranslated."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for language, text in texts:
        for sentence in sentences(text, language):
            found[language].setdefault(fingerprint(sentence), sentence)
    english = found.get("en", {})
    return {
        language: [sentence for key, sentence in found[language].items() if language == "en" or key not in english]
        for language in sorted(found)
    }


def download(package: str, folder: Path) -> Path:
    """Fetch a Debian package with apt into the folder, once; gives the path of its archive."""
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob(f"{package}_*.deb")):
        subprocess.run(["apt-get", "-qq", "download", package], cwd=folder, check=True, stderr=subprocess.DEVNULL)
    return next(folder.glob(f"{package}_*.deb"))


def version(archive: Path) -> str:
    """The version that a Debian package's archive states."""
    return subprocess.run(["dpkg-deb", "-f", archive, "Version"], check=True, capture_output=True, text=True).stdout.strip()


def members(archive: Path, pattern: str) -> Iterator[tuple[str, str, bytes]]:
    """Files in a Debian package whose path matches; the pattern's first group is the locale. Gives language, path, content."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for member in tar:
                match = re.search(pattern, member.name)
                if member.isfile() and match and (language := LOCALES.get(match[1])):
                    yield language, member.name, tar.extractfile(member).read()


def catalogues(archive: Path) -> Texts:
    """The messages of a program's compiled gettext catalogues: the translations, and the originals as English."""
    for language, _, content in members(archive, CATALOGUE):
        for entry in polib.mofile(_as_file(content, archive)):
            for translation in [entry.msgstr, *entry.msgstr_plural.values()]:
                if translation and translation != entry.msgid:
                    yield language, translation
            if language in ("de", "fr"):
                yield "en", entry.msgid.split("^", 1)[-1]


def _as_file(content: bytes, archive: Path) -> str:
    """Put a catalogue on the disk, since polib reads a path."""
    path = archive.with_suffix(".mo")
    path.write_bytes(content)
    return str(path)


def help_pages(archive: Path) -> Texts:
    """The paragraphs and titles of GNOME help pages (Mallard)."""
    for language, _, content in members(archive, r"/help/([^/]+)/gnome-help/[^/]+\.page$"):
        for paragraph in re.findall(r"<(?:p|title|desc)\b[^>]*>(.*?)</(?:p|title|desc)>", content.decode(), re.DOTALL):
            yield language, _SPACE.sub(" ", paragraph)


def fillets_dialogues(archive: Path) -> Texts:
    """What the fish say in Fish Fillets: dialogStr("…") lines of Lua files, one file a language."""
    for language, _, content in members(archive, r"/dialogs_([^/.]+)\.lua$"):
        for line in re.findall(r'dialogStr\("(.*)"\)', content.decode()):
            yield language, line.replace('\\"', '"')


def handbook(archive: Path) -> Texts:
    """The paragraphs of the Debian Administrator's Handbook."""
    for language, _, content in members(archive, r"/html/([^/]+)/[^/]+\.html$"):
        for paragraph in re.findall(r'<div class="para">(.*?)</div>', content.decode(), re.DOTALL):
            yield language, _SPACE.sub(" ", paragraph)


def hedgewars_texts(archive: Path) -> Texts:
    """Missions, campaigns and tips of the game Hedgewars."""
    for language, path, content in members(archive, r"/Locale/(?:missions|campaigns|tips)_([^/.]+)\.(?:txt|xml)$"):
        pattern = r"<tip>(.*?)</tip>" if path.endswith("xml") else r'\.desc="(.*)"'
        for text in re.findall(pattern, content.decode()):
            yield language, text


def package_descriptions(folder: Path) -> Texts:
    """Debian's package descriptions as its volunteers translated them (DDTP), from the archive's own indices."""
    wanted = ",".join([*LANGUAGES, "pt_BR", "zh_CN", "zh_TW"])
    for path in _indices(folder, [f"Acquire::Languages={wanted}"], "*_i18n_Translation-*"):
        locale = path.name.split("Translation-")[1].split(".")[0].replace("%5f", "_")
        language = LOCALES.get(locale)
        for block in _read(path).split("\n\n"):
            _, _, description = block.partition(f"\nDescription-{locale}: ")
            for paragraph in re.split(r"\n \.\n", description.partition("\n")[2]):
                if language and not re.search(r"^  |^ +[-*+]", paragraph, re.MULTILINE):
                    yield language, _SPACE.sub(" ", paragraph)


def software_summaries(folder: Path) -> Texts:
    """What programs say of themselves in software centres (AppStream metadata), translated by their own translators."""
    target = "Acquire::IndexTargets::deb::DEP-11"
    options = [f"{target}::MetaKey=$(COMPONENT)/dep11/Components-$(NATIVE_ARCHITECTURE).yml",
               f"{target}::ShortDescription=Components", f"{target}::Description=Components"]  # fmt: skip
    for path in _indices(folder, options, "*_main_dep11_Components-*"):
        for component in yaml.load_all(_read(path), Loader=yaml.CSafeLoader):
            for locale, text in (component.get("Description") or {}).items():
                if language := LOCALES.get(locale):
                    for paragraph in re.findall(r"<(?:p|li)>(.*?)</(?:p|li)>", text, re.DOTALL):
                        yield language, _SPACE.sub(" ", paragraph)


def _indices(folder: Path, options: list[str], pattern: str) -> list[Path]:
    """Have apt fetch indices into a state of its own in the folder, so that the machine's is left as it is."""
    lists = folder / "lists"
    if not list(lists.glob(pattern)):
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        (folder / "archives" / "partial").mkdir(parents=True, exist_ok=True)
        own = [f"Dir::State::Lists={lists}", f"Dir::Cache={folder}", "APT::Sandbox::User=root", "Acquire::PDiffs=false", *options]
        subprocess.run(["apt-get", "-qq", *(part for option in own for part in ("-o", option)), "update"], check=True)
    return sorted(lists.glob(pattern))


def _read(path: Path) -> str:
    """An apt index as text, whatever it is compressed with."""
    return subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", path], check=True, capture_output=True).stdout.decode()
