"""What each trainer's objects give: the file, the scores, the names. Its package is imported only when one of its objects
is here."""

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
        self.booster.save_model(str(folder / "model.json"))

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
        learner = json.loads((folder / "model.json").read_text(encoding="utf-8"))["learner"]
        model = learner["gradient_booster"].get("model", {})
        return any(kind.get("values") for kind in (model.get("cats") or {}).get("enc", []))


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
            _check_categories(path)

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


def _check_categories(path):
    """CatBoost writes only those categories to the file that the sample has; the others would never match."""
    model = json.loads(path.read_text(encoding="utf-8"))
    features = model["features_info"].get("categorical_features", [])
    known = {entry["hash"] & 0xFFFFFFFF for entry in model["features_info"].get("cat_features_hash", [])}
    for feature in features:
        absent = [value for value in feature.get("values", []) if value & 0xFFFFFFFF not in known]
        if absent:
            path.unlink()
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
        self.named = by_column = _needs_columns(sample)
        options = {id(self.model): {"zipmap": False}} if hasattr(self.model, "predict_proba") else None
        graph = skl2onnx.convert_sklearn(self.model, initial_types=_types(sample, by_column), options=options)
        (folder / "model.onnx").write_bytes(graph.SerializeToString())

    def file_has_names(self):
        return self.named

    def classes(self):
        return None  # the file has them

    def scores(self, sample):
        if hasattr(self.model, "predict_proba"):
            return self.model.predict_proba(sample)
        if hasattr(self.model, "classes_"):
            raise TypeError(
                f"{type(self.model).__name__} gives no probabilities; wrap it in sklearn.calibration.CalibratedClassifierCV"
            )
        return self.model.predict(sample)


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
