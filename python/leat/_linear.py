"""scikit-learn's linear models as the small JSON file that leat reads, so that they need no converter.

Taken for linear is what has coefficients and an intercept, alone or behind a SimpleImputer and a StandardScaler, and what
gives the numbers on the sample that the formula gives; all else goes through ONNX."""

import json


def document(model, sample, names):
    """The file's text, or None."""
    parts = _parts(model)
    data = _numbers(sample)
    if parts is None or data is None:
        return None
    imputer, scaler, last = parts
    import numpy

    coefficients = numpy.atleast_2d(numpy.asarray(last.coef_, dtype=float))
    intercept = numpy.atleast_1d(numpy.asarray(last.intercept_, dtype=float))
    margins, width = coefficients.shape
    if width != data.shape[1]:
        return None
    intercept = numpy.broadcast_to(intercept, (margins,))
    filled = data
    if imputer is not None:
        filled = numpy.where(numpy.isnan(data), imputer.statistics_, data)
    mean = scaler.mean_ if scaler is not None and scaler.with_mean else numpy.zeros(width)
    std = scaler.scale_ if scaler is not None and scaler.with_std else numpy.ones(width)
    raw = (filled - mean) / std @ coefficients.T + intercept
    link = _link(model, sample, raw)
    if link is None:
        return None
    features = {}
    for at in range(width):
        feature = {"coefficient": _one_or_list(coefficients[:, at])}
        if scaler is not None:
            feature.update(mean=float(mean[at]), std=float(std[at]))
        if imputer is not None:
            feature["missing"] = float(imputer.statistics_[at])
        features[names[at] if names is not None else f"f{at}"] = feature if len(feature) > 1 else feature["coefficient"]
    written = {"leat_model": "linear", "link": link, "intercept": _one_or_list(intercept), "features": features}
    classes = _classes(model)
    if classes is not None:
        written["classes"] = classes
    return json.dumps(written, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _parts(model):
    """(SimpleImputer or None, StandardScaler or None, the linear model), or None."""
    steps = [step for _, step in model.steps if step not in (None, "passthrough")] if hasattr(model, "steps") else [model]
    kinds = [type(step).__name__ for step in steps]
    imputer = scaler = None
    if kinds[:1] == ["SimpleImputer"] and not steps[0].add_indicator and _is_nan(steps[0].missing_values):
        imputer, steps, kinds = steps[0], steps[1:], kinds[1:]
    if kinds[:1] == ["StandardScaler"]:
        scaler, steps = steps[0], steps[1:]
    if len(steps) != 1 or not hasattr(steps[0], "coef_") or not hasattr(steps[0], "intercept_"):
        return None
    return None if hasattr(steps[0].coef_, "toarray") else (imputer, scaler, steps[0])


def _is_nan(value):
    return isinstance(value, float) and value != value


def _numbers(sample):
    import numpy

    try:
        return numpy.asarray(sample, dtype=float)
    except (TypeError, ValueError):
        return None


def _link(model, sample, raw):
    """The link by which the margins become what the model predicts."""
    import numpy

    if hasattr(model, "predict_proba"):
        expected = numpy.asarray(model.predict_proba(sample))
        if raw.shape[1] == 1:
            tried = {"logistic": 1 / (1 + numpy.exp(-raw[:, 0]))}
            expected = expected[:, 1]
        else:
            powers = numpy.exp(raw - raw.max(axis=1, keepdims=True))
            tried = {"softmax": powers / powers.sum(axis=1, keepdims=True)}
    elif hasattr(model, "classes_"):
        return None
    else:
        expected = numpy.asarray(model.predict(sample))
        tried = {"identity": raw, "exp": numpy.exp(numpy.minimum(raw, 700))}
    for name, values in tried.items():
        if values.size == expected.size and numpy.allclose(values.reshape(expected.shape), expected, rtol=1e-9, atol=1e-12):
            return name
    return None


def _one_or_list(values):
    values = [float(value) for value in values]
    return values[0] if len(values) == 1 else values


def _classes(model):
    """Text or whole numbers, of a classifier."""
    classes = [value.item() if hasattr(value, "item") else value for value in getattr(model, "classes_", [])]
    good = classes and all(isinstance(value, (str, int)) and not isinstance(value, bool) for value in classes)
    return classes if good else None
