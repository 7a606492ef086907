"""Sample data as rows of plain values: which of them to keep, and how they stand in parity.jsonl."""

import json
import math


def plain(value):
    """A value of numpy or pandas as Python's own; what is missing as None."""
    if value is None:
        return None
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return value


def as_json(value):
    value = plain(value)
    if isinstance(value, float) and math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise TypeError(f"a feature's value is {value!r}; a number, a text or nothing belongs there")
    return value


class Table:
    """X_sample: a pandas DataFrame, an array, or a list of rows."""

    def __init__(self, data, names):
        self.is_frame = hasattr(data, "iloc") and hasattr(data, "columns")
        if not self.is_frame:
            import numpy

            if hasattr(data, "toarray"):
                raise TypeError("X_sample is a sparse matrix; give some of its rows as an array (X_sample[:1000].toarray())")
            data = numpy.asarray(data)
        if getattr(data, "ndim", 0) != 2 or len(data) == 0:
            raise ValueError(f"X_sample has the shape {getattr(data, 'shape', '?')}; rows and columns belong there")
        self.data = data
        self.count, self.width = data.shape
        self.names = None if names is None else [str(name) for name in names]
        if self.names is not None and len(self.names) != self.width:
            raise ValueError(f"the model has {len(self.names)} features, but X_sample has {self.width} columns")

    def take(self, chosen):
        return self.data.iloc[chosen] if self.is_frame else self.data[chosen]

    def columns(self):
        for at in range(self.width):
            yield (self.data.iloc[:, at] if self.is_frame else self.data[:, at]).tolist()

    def is_category(self, at):
        return self.is_frame and type(self.data.dtypes.iloc[at]).__name__ == "CategoricalDtype"

    def codes(self, at, chosen):
        codes = self.data.iloc[chosen, at].cat.codes.tolist()
        return [None if code < 0 else code for code in codes]

    def choose(self, most):
        """The places of at most so many rows, rising."""
        most = max(1, min(most, self.count))
        chosen = set()
        for column in self.columns():
            for at in _corners(column):
                if len(chosen) < max(1, most // 2):
                    chosen.add(at)
        step = 0
        while len(chosen) < most:
            # Halves, quarters, eighths …: even, and never the same twice before all are taken.
            chosen.add(_spread(step, self.count))
            step += 1
        return sorted(chosen)

    def cells(self, chosen):
        """By column: the values of the chosen rows."""
        taken = self.take(chosen)
        return [
            (taken.iloc[:, at] if self.is_frame else taken[:, at]).tolist()
            for at in range(self.width)
        ]

    def lines(self, chosen, cells, scores):
        for row in range(len(chosen)):
            values = [as_json(column[row]) for column in cells]
            features = values if self.names is None else dict(zip(self.names, values))
            line = {"features": features, "score": _score(scores[row])}
            yield json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n"


def _score(value):
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_score(one) for one in value]
    value = plain(value)
    return "NaN" if value is None else as_json(value)


def _corners(column):
    """Where the first missing value is, the least and the largest; of texts the first of each."""
    least = largest = missing = None
    texts = {}
    for at, value in enumerate(column):
        value = plain(value)
        if value is None:
            missing = at if missing is None else missing
        elif isinstance(value, str):
            if len(texts) < 8:
                texts.setdefault(value, at)
        elif least is None:
            least = largest = (value, at)
        else:
            least = (value, at) if value < least[0] else least
            largest = (value, at) if value > largest[0] else largest
    found = [at for at in (missing, least and least[1], largest and largest[1]) if at is not None]
    return found + list(texts.values())


def _spread(step, count):
    """The van der Corput sequence, scaled: 0, 1/2, 1/4, 3/4, …; behind 2 · count steps every place in turn."""
    if step >= 2 * count:
        return step % count
    fraction, part = 0.0, 0.5
    while step:
        fraction += part * (step & 1)
        step >>= 1
        part /= 2
    return int(fraction * count)
