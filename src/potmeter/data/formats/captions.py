"""Captions of pictures in the layouts that the field uses: COCO's JSON, Flickr8k's text file, a CSV of file and caption.

* COCO: ``{"images": [{"id": 7, "file_name": "x.jpg"}], "annotations": [{"image_id": 7, "caption": "A cat."}]}``
* Flickr8k, Flickr30k: ``x.jpg#0⇥A cat.``, a line for each caption
* CUB: a folder with ``images/`` and ``text/`` (or ``text_c10/``), where ``images/001.Albatross/x.jpg`` has its captions in
  ``text/001.Albatross/x.txt``, a line each (Reed et al. 2016)
* CSV, TSV: a header with ``file`` (or ``image`` …), ``caption`` (or ``text`` …), and perhaps ``language``
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from potmeter.data.files import find_files, is_hidden, relative_name
from potmeter.errors import UserError, reject
from potmeter.media import Image, Table, Text
from potmeter.notices import note

MAX_JSON = 2**30
"""Bytes of the largest JSON file that is read; that of COCO's training captions has 92 million."""
MAX_CAPTION = 1_000
"""Most characters of a caption."""
FILE_COLUMNS = ("file", "file_name", "filename", "image", "image_name", "picture", "path")
CAPTION_COLUMNS = ("caption", "text", "sentence", "description", "comment")
SUFFIXES = (".json", ".csv", ".tsv", ".txt", ".token")
TEXT_FOLDERS = ("text", "text_c10")
"""Beside ``images``, in CUB's layout."""
SHOWN = 3
"""How many missing pictures are named."""

Row = tuple[str, str, str | None]
"""A picture's file name, a caption, and its language where that is said."""


def read_captions(
    source: str | Path, pictures: str | Path | None = None, language: str = "und"
) -> dict[Path, dict[str, list[str]]]:
    """The captions of pictures by the pictures' files and by language.

    Captions without a word are dropped, and pictures that are not there are left out, which is told.

    Args:
        source: A file in one of the layouts, a folder that holds exactly one, or one in the layout of CUB.
        pictures: The folder that the pictures lie in or below; None = the folder of the file, or the one above that.
        language: Of captions that do not say theirs.

    Raises:
        UserError: When the file is missing or not in one of the layouts, a caption is too long, no picture is there, or
            nothing has a caption.

    Example:
        >>> [*read_captions("flickr8k/captions.txt").values()][0]  # doctest: +SKIP
        {'und': ['A child in a pink dress is climbing up a set of stairs .']}
    """
    folder = find_text_folder(source)
    file = find_caption_file(source) if folder is None else folder / "captions"
    rows = list(read_rows(file) if folder is None else read_text_folder(folder))
    if folder is not None and pictures is None:
        pictures = folder.parent / "images"
    rows or reject(f"{file} has no captions.", "0 captions")
    texts = [(name, " ".join(caption.split()), language if its is None else its) for name, caption, its in rows]
    for name, caption, _ in texts:
        len(caption) <= MAX_CAPTION or reject(
            f"A caption of {name} in {file} has more than {MAX_CAPTION:,} characters.", f"{len(caption):,} characters"
        )
    full = [row for row in texts if any(character.isalnum() for character in row[1])]
    full or reject(f"{file} has no caption with a word in it.", f"{len(rows):,} empty captions")
    if len(full) < len(texts):
        note(f"{file}: {len(texts) - len(full):,} of {len(texts):,} captions are empty, and are left out.")
    places = locate_pictures(list(dict.fromkeys(name for name, _, _ in full)), file, pictures)
    found: dict[Path, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name, caption, its in full:
        if name in places:
            found[places[name]][its].append(caption)
    return {path: dict(captions) for path, captions in found.items()}


def find_text_folder(source: str | Path) -> Path | None:
    """The folder with the captions, of a folder in CUB's layout; None for anything else."""
    roots = [Path(source) / name for name in TEXT_FOLDERS]
    found = [root for root in roots if os.path.isdir(root) and os.path.isdir(root.parent / "images")]
    return found[0] if found else None


def read_text_folder(folder: Path) -> Iterator[Row]:
    """The rows of CUB's layout: a text file for each picture, with a caption in each line."""
    root = folder.parent / "images"
    pictures = {
        relative_name(path.with_suffix(""), root): relative_name(path, root)
        for path in find_files(root, Image.suffixes).files
    }
    for path in sorted(folder.rglob("*.txt")):
        name = relative_name(path.with_suffix(""), folder)
        for line in Text.open(path).lines:
            if line.strip():
                yield pictures.get(name, f"{name}.jpg"), line, None


def find_caption_file(source: str | Path) -> Path:
    """The file with the captions: itself, or the only one in a folder. Raises UserError."""
    path = Path(source)
    if os.path.isfile(path):  # os.path: False for what can be no path
        return path
    os.path.isdir(path) or reject("There is no file, folder or set of captions of this name.", str(source))
    files = [each for each in sorted(path.iterdir()) if each.suffix.lower() in SUFFIXES and not is_hidden(each.name)]
    files or reject(f"{path} holds no captions: a file ending in {', '.join(SUFFIXES)}.", str(source))
    names = ", ".join(each.name for each in files[:5])
    len(files) == 1 or reject(f"{path} holds several files: name the one with the captions.", names)
    return files[0]


def read_rows(file: Path) -> Iterator[Row]:
    """The rows of a file, in the layout that its name and its beginning say."""
    if file.suffix.lower() == ".json":
        yield from read_coco(file)
        return
    first = next((line for line in Text.open(file).lines if line.strip()), "")
    flickr = "\t" in first and "#" in first.split("\t")[0]
    yield from read_flickr(file) if flickr else read_table(file)


def read_coco(file: Path) -> Iterator[Row]:
    """COCO's JSON of captions."""
    content = read_json(file)
    images, annotations = (content.get(key) for key in ("images", "annotations"))
    if not isinstance(images, list) or not isinstance(annotations, list):
        reject(f"{file} is not COCO's: it takes lists of images and of annotations.", ", ".join(map(str, content))[:80])
    try:
        names = {image["id"]: str(image["file_name"]) for image in images}
        rows = [
            (annotation["image_id"], names.get(annotation["image_id"]), annotation["caption"])
            for annotation in annotations
        ]
    except (KeyError, TypeError) as error:
        message = f"{file} is not COCO's: images have id and file_name, annotations of captions image_id and caption."
        raise UserError(message, received=f"{type(error).__name__} {error}"[:80]) from None
    for number, name, caption in rows:
        if name is None:
            reject(f"{file} has a caption of a picture that it does not list.", number)
        isinstance(caption, str) or reject(f"{file} has a caption that is no text.", caption)
        yield name, caption, None


def read_json(file: Path) -> dict[str, Any]:
    """A JSON object. Raises UserError for anything else."""
    try:
        if (size := file.stat().st_size) > MAX_JSON:
            reject(f"{file} is too large.", f"{size:,} bytes")
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", received=str(file)) from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON: {error}.", received=str(file)) from None
    return value if isinstance(value, dict) else reject(f"{file} must hold a JSON object.", type(value).__name__)


def read_flickr(file: Path) -> Iterator[Row]:
    """Flickr8k's text file."""
    for number, line in enumerate(Text.open(file).lines, 1):
        if line.strip():
            name, tab, caption = line.partition("\t")
            name, sign, _ = name.rpartition("#")
            (tab and sign) or reject(f"{file} line {number} is not FILE#NUMBER, a tab and a caption.", line[:60])
            yield name.strip(), caption, None


def read_table(file: Path) -> Iterator[Row]:
    """A table with columns for the file, the caption and perhaps the language."""
    table = Table.open(file)
    columns = [name.casefold() for name in table.columns]
    place, text = (
        next((columns.index(name) for name in names if name in columns), None)
        for names in (FILE_COLUMNS, CAPTION_COLUMNS)
    )
    if place is None or text is None:
        reject(f"{file} is no table with columns named file and caption.", ", ".join(table.columns)[:80])
    said = columns.index("language") if "language" in columns else None
    for row in table.rows:
        yield str(row[place]).strip(), str(row[text]), None if said is None else str(row[said]).strip()


def locate_pictures(names: Sequence[str], file: Path, pictures: str | Path | None) -> dict[str, Path]:
    """Where the pictures of these names are: by their path below a folder, else by their name alone.

    The folder is the one that is named, else the file's own; of a file in a folder called ``annotations``, as COCO has
    it, also the folder around that.

    Raises:
        UserError: When the folder is missing, none of them is there, or a name means several.
    """
    around = [file.parent.parent] if file.absolute().parent.name == "annotations" else []
    roots = [Path(pictures)] if pictures is not None else [file.parent, *around]
    places: dict[str, Path] = {}
    for root in roots:
        files = find_files(root, Image.suffixes).files
        by_path = {relative_name(path, root): path for path in files}
        by_name: dict[str, list[Path]] = defaultdict(list)
        for path in files:
            by_name[relative_name(path, path.parent)].append(path)
        for name in names:
            wanted = name.replace("\\", "/")
            alike = [by_path[wanted]] if wanted in by_path else by_name.get(wanted.rpartition("/")[2], [])
            len(alike) <= 1 or reject(f"{root} has several pictures of this name.", ", ".join(map(str, alike[:SHOWN])))
            if alike:
                places[name] = alike[0]
        if places:
            break
    if absent := [name for name in names if name not in places]:
        shown = ", ".join(absent[:SHOWN])
        said = f"{len(absent):,} of the {len(names):,} pictures in {file} are not in {roots[0]}: {shown}"
        if not places:
            reject(f"{said}. Name their folder with --pictures.", str(roots[0]))
        note(f"{said}. They are left out.")
    return places
