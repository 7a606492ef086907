"""Writes the folder: model.<json|txt|onnx>, parity.jsonl, leat.json."""

import contextlib
import datetime
import json
import math
import numbers
import re
import shutil
import tempfile
from pathlib import Path

from . import _rows, _trainers

MODEL_FILES = ("model.json", "model.ubj", "model.txt", "model.onnx")
FILES = (*MODEL_FILES, "parity.jsonl", "leat.json")


def save(
    model,
    X_sample,
    folder,
    *,
    trained_at=None,
    metrics=None,
    threshold=None,
    classes=None,
    feature_names=None,
    name=None,
    note=None,
    rows=100,
):
    """Writes a fitted model with its parity rows and metadata to `folder`, and returns the folder's path. A folder of an earlier
    save is replaced when all is written.

    model          XGBoost, LightGBM, CatBoost: a Booster or one of the scikit-learn style objects. scikit-learn: linear
                   models as they are, others through skl2onnx, which must be installed.
    X_sample       data as the model was trained on (a DataFrame, an array, a list of rows); at most `rows` of it become
                   parity rows: those with the extremes and with missing values of each column, and some in between. The
                   training data itself is a good choice; for CatBoost with categories it must have all of them.
    trained_at     a datetime (without a zone: UTC) or an RFC 3339 text: up to when the model knows the world
    metrics        {"auc": 0.91}
    threshold      from which score on the answer is yes
    classes        names of a classifier's classes in the order of its numbers, as LabelEncoder.classes_ has them
    feature_names  in the order of the columns, for a model that does not have them itself
    """
    exported = _trainers.export_of(model)
    table = _rows.Table(X_sample, feature_names or exported.names(X_sample))
    chosen = table.choose(rows)
    if feature_names is not None and len(feature_names) != table.width:
        raise ValueError(f"feature_names has {len(feature_names)} names, but X_sample has {table.width} columns")
    meta = {
        "features": None,
        "classes": _classes(classes if classes is not None else exported.classes()),
        "rounds": exported.rounds(),
        "threshold": _number(threshold, "threshold"),
        "metrics": {str(key): _number(value, f"metric {key!r}") for key, value in (metrics or {}).items()},
        "trained_at": _time(trained_at),
        "note": note,
        "name": name,
        "library": exported.library(),
    }
    folder = _ours(Path(folder))
    with _written_at_the_end(folder) as place:
        exported.write(place, X_sample, table.names)
        if not exported.file_has_names():
            meta["features"] = table.names
        scores = exported.scores(table.take(chosen))
        exported.compare(place, table.take(chosen), scores)
        lines = table.lines(chosen, exported.cells(place, table, chosen), scores)
        (place / "parity.jsonl").write_text("".join(lines), encoding="utf-8")
        text = json.dumps(meta, indent=2, ensure_ascii=False, allow_nan=False)
        (place / "leat.json").write_text(text + "\n", encoding="utf-8")
    return folder


def _ours(folder):
    """The folder, in which nothing is of another's making that would be replaced."""
    found = [name for name in FILES if (folder / name).exists()]
    try:
        meta = json.loads((folder / "leat.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        meta = None
    if found and not (isinstance(meta, dict) and "library" in meta):
        raise FileExistsError(f"{folder} has a {found[0]} that leat.save did not write; choose another folder, or remove it")
    return folder


@contextlib.contextmanager
def _written_at_the_end(folder):
    """A place for files, which are moved to the folder when all are there. Without a model a folder is refused by `leat model
    add`, so the model is the first to go and the last to come."""
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=".leat-save-", dir=folder))
    try:
        yield place
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
        for name in reversed(FILES):
            if (place / name).exists():
                (place / name).replace(folder / name)
    finally:
        shutil.rmtree(place)
        if new and not any(folder.iterdir()):
            folder.rmdir()


def _classes(classes):
    if classes is None:
        return None
    plain = [_rows.plain(value) for value in classes]
    for value in plain:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ValueError(f"classes: {value!r} is neither text nor a whole number")
    return plain


def _number(value, what):
    if value is None:
        return None
    value = _rows.plain(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not math.isfinite(value):
        raise ValueError(f"{what} is {value!r}; a finite number belongs there")
    return value


def _time(value):
    if value is None:
        return None
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value):
            raise ValueError(f"trained_at: {value!r} is not a time such as 2026-03-01T12:00:00Z")
        return value
    if isinstance(value, datetime.datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=datetime.timezone.utc)
        return aware.astimezone(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return f"{value.isoformat()}T00:00:00Z"
    raise ValueError(f"trained_at: {value!r} is neither a datetime nor an RFC 3339 text")
