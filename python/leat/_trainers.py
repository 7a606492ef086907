"""What each trainer's objects give: the file, the scores, the names. Its package is imported only when one of its objects
is here."""

import contextlib
import json
import sys
import warnings

from . import _linear


def export_of(model):
    """The Export of a fitted model."""
    for base in type(model).__mro__:
        library = base.__module__.split(".")[0]
        if library in EXPORTS and library in sys.modules:
            return EXPORTS[library](model)
    raise TypeError(
        f"{type(model).__module__}.{type(model).__name__} is not a model that leat.save knows: XGBoost, LightGBM, CatBoost "
        "and scikit-learn objects are; for others export ONNX and use `leat model add NAME model.onnx --parity rows.jsonl`"
    )


def _is_range(classes):
    """0, 1, …: what a file without class names stands for anyway."""
    return all(not isinstance(value, str) and value == at for at, value in enumerate(classes))


class Export:
    def __init__(self, model):
        self.model = model

    def names(self, sample):
        """The features' names in the order of the columns, or None."""
        return [str(name) for name in sample.columns] if hasattr(sample, "columns") else None

    def file_has_names(self):
        return False

    def classes(self):
        classes = getattr(self.model, "classes_", None)
        return None if classes is None or len(classes) == 0 or _is_range(classes) else list(classes)

    def rounds(self):
        return None

    def library(self):
        name = type(self).package
        return f"{name} {sys.modules[name].__version__}"

    def cells(self, folder, table, chosen):
        """The parity rows' values by column, as leat is given them."""
        return table.cells(chosen)

    def compare(self, folder, sample, scores):
        """Warns of what is known to give other scores than the trainer."""


class XGBoost(Export):
    package = "xgboost"

    def __init__(self, model):
        import xgboost

        super().__init__(model)
        self.wrapped = not isinstance(model, xgboost.Booster)
        self.booster = model.get_booster() if self.wrapped else model
        self.missing = getattr(model, "missing", None) if self.wrapped else None
        if self.missing is not None and self.missing == self.missing:
            warnings.warn(
                f"the model was trained with missing={self.missing!r}; leat takes null and NaN for missing, and the parity "
                f"rows have null in its place: the function has to give null there, too",
                stacklevel=4,
            )

    def names(self, sample):
        return self.booster.feature_names or super().names(sample)

    def file_has_names(self):
        return bool(self.booster.feature_names)

    def rounds(self):
        """The scikit-learn objects predict with the best round's trees when training stopped early, a Booster with all."""
        best = getattr(self.model, "best_iteration", None) if self.wrapped else None
        return None if best is None else int(best) + 1

    def write(self, folder, sample, names):
        path = folder / "model.json"
        self.booster.save_model(str(path))
        _check_texts(json.loads(path.read_text(encoding="utf-8")), sample)

    def scores(self, sample):
        """Of the Booster, whose predict is the scikit-learn object's predict_proba or predict, but for the binary
        classifier's first column."""
        import xgboost

        options = {} if self.missing is None else {"missing": self.missing}
        if hasattr(sample, "iloc"):
            options["enable_categorical"] = any(str(kind) == "category" for kind in sample.dtypes)
        else:
            options["feature_names"] = self.booster.feature_names
            options["feature_types"] = self.booster.feature_types
        matrix = xgboost.DMatrix(sample, **options)
        rounds = self.rounds()
        return self.booster.predict(matrix, **({"iteration_range": (0, rounds)} if rounds else {}))

    def cells(self, folder, table, chosen):
        cells = table.cells(chosen)
        if self.missing is not None:
            cells = [[None if value == self.missing else value for value in column] for column in cells]
        if self._knows_categories(folder):
            return cells
        return [
            table.codes(at, chosen) if table.is_category(at) else column for at, column in enumerate(cells)
        ]

    def _knows_categories(self, folder):
        """From 3.1 on the file may have the categories; before that, rows have their codes."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        return any(kind.get("values") for kind in _categories_of(document))


def _categories_of(document):
    """Of each feature, as XGBoost's JSON has them; DART's are one level deeper."""
    booster = document["learner"]["gradient_booster"]
    model = booster.get("gbtree", booster).get("model", {})
    return (model.get("cats") or {}).get("enc", [])


def _check_texts(document, sample):
    """3.1 to 3.3 cut categories that are not ASCII when they save."""
    if not [3, 1] <= document["version"][:2] < [3, 4]:
        return
    for at, kind in enumerate(_categories_of(document)):
        if "offsets" in kind and any(not 0 <= byte < 128 for byte in kind["values"]):
            name = sample.columns[at] if hasattr(sample, "columns") else at
            raise ValueError(
                f"column {str(name)!r} has categories that are not ASCII, and XGBoost {document['version'][0]}."
                f"{document['version'][1]} cuts such short in the file; rename them, or train with XGBoost 3.4 or later"
            )


class LightGBM(Export):
    package = "lightgbm"

    def __init__(self, model):
        import lightgbm

        super().__init__(model)
        self.booster = model if isinstance(model, lightgbm.Booster) else model.booster_

    def names(self, sample):
        """Of the file: LightGBM writes _ for spaces."""
        return self.booster.feature_name()

    def file_has_names(self):
        return True

    def write(self, folder, sample, names):
        """With the best iteration's trees, where training stopped early, as predict uses them."""
        self.booster.save_model(str(folder / "model.txt"))

    def scores(self, sample):
        return self.booster.predict(sample)


class CatBoost(Export):
    package = "catboost"

    def names(self, sample):
        return self._own_names() or super().names(sample)

    def file_has_names(self):
        return self._own_names() is not None

    def _own_names(self):
        """Trained on an array, it calls its features 0, 1, …, which are no names."""
        names = [str(name) for name in self.model.feature_names_]
        return None if names == [str(at) for at in range(len(names))] else names

    def classes(self):
        return None  # the file has them

    def write(self, folder, sample, names):
        import catboost

        path = folder / "model.json"
        categories = self.model.get_cat_feature_indices()
        pool = catboost.Pool(sample, cat_features=categories) if categories else None
        self.model.save_model(str(path), format="json", pool=pool)
        if categories:
            _check_categories(json.loads(path.read_text(encoding="utf-8"))["features_info"])

    def scores(self, sample):
        if len(self.model.classes_) == 0:
            return self.model.predict(sample, prediction_type=self._prediction_type())
        return self.model.predict(sample, prediction_type="Probability")

    def _prediction_type(self):
        """A CatBoostRegressor's own; a plain CatBoost gives the raw value, whatever the loss."""
        loss = str(self.model.get_all_params().get("loss_function", "")).split(":")[0]
        kinds = {"Poisson": "Exponent", "Tweedie": "Exponent", "RMSEWithUncertainty": "RMSEWithUncertainty"}
        if loss in ("MultiLogloss", "MultiCrossEntropy", "Logloss", "CrossEntropy"):
            return "Probability"
        return kinds.get(loss, "RawFormulaVal")


def _check_categories(info):
    """leat does not compute statistics of the target; and CatBoost writes only those categories to the file that the sample
    has, the others would never match."""
    if info.get("ctrs"):
        raise ValueError(
            "the model uses target statistics of categories (CTRs), which leat does not compute; train with "
            "one_hot_max_size=255, or encode categories before training"
        )
    known = {entry["hash"] & 0xFFFFFFFF for entry in info.get("cat_features_hash", [])}
    for feature in info.get("categorical_features", []):
        absent = [value for value in feature.get("values", []) if value & 0xFFFFFFFF not in known]
        if absent:
            name = feature.get("feature_name") or feature.get("feature_id") or feature["flat_feature_index"]
            raise ValueError(
                f"X_sample lacks {len(absent)} of the categories of column {name!r} that the model splits on, and CatBoost "
                f"writes only the sample's categories to the file; give the training data as X_sample"
            )


class ScikitLearn(Export):
    package = "sklearn"

    def library(self):
        return "scikit-learn" + super().library().removeprefix("sklearn")

    def __init__(self, model):
        super().__init__(model)
        self.named = False

    def write(self, folder, sample, names):
        linear = _linear.document(self.model, sample, names)
        if linear is not None:
            self.named = names is not None
            (folder / "model.json").write_text(linear, encoding="utf-8")
            return
        try:
            import skl2onnx
        except ImportError:
            raise ImportError(
                f"{type(self.model).__name__} is written as ONNX by skl2onnx, which is not installed: pip install skl2onnx"
            ) from None
        _check_converter(self.model)
        self.named = _needs_columns(sample)
        graph = _converted(self.model, _types(sample, self.named))
        (folder / "model.onnx").write_bytes(graph.SerializeToString())

    def file_has_names(self):
        return self.named

    def classes(self):
        return None  # the file has them

    def scores(self, sample):
        if hasattr(self.model, "predict_proba"):
            return self.model.predict_proba(sample)
        if _is_detector(self.model):
            return self.model.decision_function(sample)
        if hasattr(self.model, "classes_"):
            raise TypeError(
                f"{type(self.model).__name__} gives no probabilities; wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        return self.model.predict(sample)

    def compare(self, folder, sample, scores):
        """Some converters are unlike scikit-learn. The parity gate finds out; here it can be said before, where ONNX Runtime
        is installed."""
        path = folder / "model.onnx"
        try:
            got = _answers(path, sample) if path.exists() else None
        except Exception:  # whatever it can not run, leat judges by itself
            return
        if got is None or got.size != scores.size:
            return
        far = abs(got.reshape(scores.shape) - scores) > 1e-5 * abs(scores).clip(1)
        rows = int(far.reshape(len(scores), -1).any(axis=1).sum())
        if rows:
            warnings.warn(
                f"skl2onnx's graph is unlike {type(self.model).__name__} in {rows} of {len(scores)} rows, by up to "
                f"{abs(got.reshape(scores.shape) - scores).max():.3g}; leat model add will refuse it. It computes in float32, "
                f"so scaled numbers may fall on the other side of a tree's threshold: trees need no scaler",
                stacklevel=4,
            )


def _answers(path, sample):
    """The graph's floats by ONNX Runtime; None: it is not installed."""
    try:
        import onnxruntime
    except ImportError:
        return None
    import numpy

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    kinds = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64, "tensor(string)": object}
    given = session.get_inputs()
    if len(given) == 1 and not _needs_columns(sample):
        feed = {given[0].name: numpy.asarray(sample, dtype=numpy.float32)}
    else:
        feed = {one.name: sample[one.name].to_numpy(kinds[one.type]).reshape(-1, 1) for one in given}
    return next(got for got in reversed(session.run(None, feed)) if got.dtype.kind == "f")


def _is_detector(model):
    from sklearn.base import is_outlier_detector

    return is_outlier_detector(model) and hasattr(model, "decision_function")


def _parts(model):
    """A pipeline's, and what is within its parts, and the model itself."""
    found = [model] if hasattr(model, "get_params") else []
    for value in vars(model).values() if found else model:
        if hasattr(value, "get_params") or isinstance(value, (list, tuple)):
            found += _parts(value)
    return found


def _check_converter(model):
    """What skl2onnx, up to 1.20, converts without a word to a graph of other scores."""
    for part in _parts(model):
        if not type(part).__name__.startswith("HistGradientBoosting"):
            continue
        if part.loss in ("poisson", "gamma"):
            raise ValueError(
                f"skl2onnx leaves out the exp of a {type(part).__name__} with loss={part.loss!r}, so its graph gives other "
                f"scores; train with LightGBM or XGBoost, whose files leat reads"
            )
        if getattr(part, "is_categorical_", None) is not None:
            raise ValueError(
                f"skl2onnx takes the splits of a {type(part).__name__} on categorical_features for splits on numbers, so its "
                f"graph gives other scores; encode them before training, or train with LightGBM or XGBoost"
            )


def _converted(model, types):
    import skl2onnx

    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    with _whole_numbers():
        try:
            return skl2onnx.convert_sklearn(model, initial_types=types, options=options)
        except RuntimeError as error:
            if "ai.onnx.ml" not in str(error):
                raise
        # Of some kinds it knows this version only, and asks for it.
        newest = getattr(skl2onnx, "__max_supported_opset__", 15)
        return skl2onnx.convert_sklearn(
            model, initial_types=types, options=options, target_opset={"": newest, "ai.onnx.ml": 3}
        )


@contextlib.contextmanager
def _whole_numbers():
    """skl2onnx 1.20 mixes numpy's bool into lists of whole numbers, which protobuf refuses from 7 on."""
    import numpy
    from onnx import helper

    make = helper.make_attribute

    def make_attribute(key, value, *rest, **named):
        if isinstance(value, list) and any(isinstance(one, (bool, numpy.bool_)) for one in value):
            value = [int(one) for one in value]
        return make(key, value, *rest, **named)

    helper.make_attribute = make_attribute
    try:
        yield
    finally:
        helper.make_attribute = make


def _needs_columns(sample):
    """Each column is an input of its own where there are texts among them; else one input has them all."""
    return hasattr(sample, "dtypes") and hasattr(sample, "columns") and any(
        getattr(kind, "kind", "O") not in "fiub" for kind in sample.dtypes
    )


def _types(sample, by_column):
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

    if not by_column:
        width = sample.shape[1] if hasattr(sample, "shape") else len(sample[0])
        return [("X", FloatTensorType([None, width]))]
    kinds = {"f": FloatTensorType, "i": Int64TensorType, "u": Int64TensorType, "b": Int64TensorType}
    return [
        (str(name), kinds.get(getattr(kind, "kind", "O"), StringTensorType)([None, 1]))
        for name, kind in zip(sample.columns, sample.dtypes)
    ]


EXPORTS = {"xgboost": XGBoost, "lightgbm": LightGBM, "catboost": CatBoost, "sklearn": ScikitLearn}
