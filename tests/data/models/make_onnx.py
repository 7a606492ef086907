#!/usr/bin/env python3
"""Estimators of scikit-learn and others, fitted and converted to ONNX, with rows and what ONNX Runtime answers.

    make_onnx.py [FOLDER]     write the small ones that are kept in the tree (tests/data/models/onnx)

slow_onnx.py runs them all. Needs scikit-learn, skl2onnx, onnxmltools, xgboost, lightgbm, catboost, onnxruntime.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np

warnings.filterwarnings("ignore")

CASES = {}  # name: function without arguments that gives a Case
KEPT = []  # names of those in the tree


class Case:
    """A fitted model as a file, rows for it, and functions that say what its trainer answers."""

    def __init__(self, onnx_model, inputs, truth=None, double=False):
        self.model = onnx_model
        self.inputs = inputs  # by name of the graph's input: rows × columns
        self.truth = truth  # the trainer's own outputs, or None
        self.double = double


def case(name, kept=False):
    def add(function):
        CASES[name] = function
        if kept:
            KEPT.append(name)
        return function

    return add


# ---- data ----

TREES_OF_DOUBLES = {"": 18, "ai.onnx.ml": 3}
AWKWARD = [0.0, -0.0, 1e-40, -1e-40, 16777217.0, 0.125, -0.375, 1e-36]


def numbers(rows=240, columns=6, seed=1, awkward=True):
    """Multiples of 1/4, so that thresholds lie at multiples of 1/8, and are hit."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(rows, columns)) * 4) / 4
    if awkward:
        x[rng.random(x.shape) < 0.1] = 0.125
    return x.astype(np.float32)


def with_awkward(x, seed=2):
    rng = np.random.default_rng(seed)
    x = x[:60].copy()
    places = rng.random(x.shape) < 0.15
    x[places] = rng.choice(AWKWARD, size=int(places.sum())).astype(x.dtype)
    return x


def target(x, classes):
    rng = np.random.default_rng(3)
    score = x[:, 0] + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] + rng.normal(size=len(x)) * 0.3
    if classes == 0:
        return score
    edges = np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])
    return np.digitize(score, edges)


# ---- converting ----


def truth_of(model, x):
    if hasattr(model, "predict_proba"):
        try:
            return {"label": model.predict(x), "out": model.predict_proba(x)}
        except AttributeError:
            pass
    if hasattr(model, "predict"):
        return {"value": model.predict(x)}
    return {"value": model.transform(x)}


def mend_booleans():
    """skl2onnx 1.20 mixes numpy's bool into lists of whole numbers, which protobuf 7 refuses."""
    from onnx import helper

    if getattr(helper.make_attribute, "mended", False):
        return
    make = helper.make_attribute

    def make_attribute(key, value, *rest, **named):
        if isinstance(value, list) and any(isinstance(v, (bool, np.bool_)) for v in value):
            value = [int(v) for v in value]
        return make(key, value, *rest, **named)

    make_attribute.mended = True
    helper.make_attribute = make_attribute


def converted(model, x, double=False, rows=None, options=None, target_opset=None, zipmap=False, truth=True):
    import skl2onnx
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType

    rows = with_awkward(x) if rows is None else rows
    if hasattr(getattr(model, "_baseline_prediction", None), "ravel"):
        model._baseline_prediction = model._baseline_prediction.ravel()  # what skl2onnx 1.20 takes it for
    kinds = {"f": DoubleTensorType if double else FloatTensorType, "i": Int64TensorType, "O": StringTensorType, "U": StringTensorType}
    if double:
        rows = rows.astype(np.float64)
        target_opset = target_opset or TREES_OF_DOUBLES
    types = [("X", kinds[rows.dtype.kind]([None, rows.shape[1]]))]
    mend_booleans()
    settings = dict(options or {})
    if hasattr(model, "predict_proba") or hasattr(model, "decision_function"):
        settings.setdefault("zipmap", zipmap)
    try:
        graph = skl2onnx.convert_sklearn(model, initial_types=types, options={id(model): settings}, target_opset=target_opset)
    except NameError as error:
        if "zipmap" not in str(error):
            raise
        settings.pop("zipmap")
        graph = skl2onnx.convert_sklearn(model, initial_types=types, options={id(model): settings}, target_opset=target_opset)
    return Case(graph, {"X": rows}, truth_of(model, rows) if truth else None, double)


def plain(name, make, classes=0, kept=False, positive=False, double=False, missing=False, texts=False, columns=6, tame=False, **how):
    """A case of an estimator that takes a matrix."""

    @case(name, kept)
    def run():
        x = numbers(columns=columns, awkward=not positive)
        if positive:
            x = np.abs(x)
        y = target(x, classes)
        rows = np.abs(with_awkward(x)) if positive else with_awkward(x)
        if missing:
            rng = np.random.default_rng(7)
            x[rng.random(x.shape) < 0.1] = np.nan
            rows[rng.random(rows.shape) < 0.2] = np.nan
        if positive or tame:
            rows = np.clip(rows, -8, 8)
        if texts:
            y = np.array(["no", "yes", "perhaps", "later"])[y]
        model = make()
        model.fit(x.astype(np.float64) if double else x, y)
        return converted(model, x, double=double, rows=rows, **how)

    return run


def both(name, make, classes=0, kept=False, **how):
    plain(name, make, classes, kept, **how)
    plain(f"{name}-double", make, classes, False, double=True, **how)


# ---- scikit-learn ----


def sklearn_cases():
    from sklearn import cluster, decomposition, discriminant_analysis, dummy, ensemble, gaussian_process, kernel_ridge
    from sklearn import calibration, linear_model, multiclass, multioutput, naive_bayes, neighbors, neural_network
    from sklearn import feature_selection, pipeline, preprocessing, svm, tree
    from sklearn import impute

    lm = linear_model
    both("linear-regression", lm.LinearRegression, kept=True)
    both("ridge", lm.Ridge)
    both("lasso", lambda: lm.Lasso(alpha=0.01))
    both("elastic-net", lambda: lm.ElasticNet(alpha=0.01))
    both("huber", lm.HuberRegressor)
    both("bayesian-ridge", lm.BayesianRidge)
    both("poisson", lambda: pipeline.make_pipeline(preprocessing.MinMaxScaler(), svm.LinearSVR(random_state=1)))
    both("logistic-binary", lm.LogisticRegression, 2, kept=True)
    both("logistic-multinomial", lm.LogisticRegression, 4, kept=True)
    plain("logistic-texts", lm.LogisticRegression, 3, kept=True, texts=True, zipmap=True)
    plain("logistic-ovr", lambda: multiclass.OneVsRestClassifier(lm.LogisticRegression()), 3)
    plain("logistic-ovo", lambda: multiclass.OneVsOneClassifier(lm.LogisticRegression()), 3)
    both("sgd-classifier", lambda: lm.SGDClassifier(loss="log_loss", random_state=1), 2, tame=True)
    plain("sgd-hinge", lambda: lm.SGDClassifier(random_state=1), 3, tame=True)
    both("sgd-regressor", lambda: lm.SGDRegressor(random_state=1), tame=True)
    plain("perceptron", lambda: lm.Perceptron(random_state=1), 3, tame=True)
    plain("ridge-classifier", lm.RidgeClassifier, 2)

    for kernel in ("linear", "poly", "rbf", "sigmoid"):
        plain(f"svc-{kernel}", lambda k=kernel: svm.SVC(kernel=k), 2, tame=True, kept=kernel == "rbf")
        plain(f"svc-{kernel}-probability", lambda k=kernel: svm.SVC(kernel=k, probability=True, random_state=1), 3, tame=True, kept=kernel == "rbf")
        plain(f"svr-{kernel}", lambda k=kernel: svm.SVR(kernel=k), tame=True, kept=kernel == "poly")
        plain(f"one-class-svm-{kernel}", lambda k=kernel: svm.OneClassSVM(kernel=k, nu=0.3), tame=True)
    plain("svc-multiclass", lambda: svm.SVC(decision_function_shape="ovo"), 4, tame=True)
    plain("nu-svc", lambda: svm.NuSVC(nu=0.3, probability=True, random_state=1), 2, tame=True)
    plain("nu-svr", lambda: svm.NuSVR(nu=0.3), tame=True)
    plain("linear-svc", lambda: svm.LinearSVC(random_state=1), 3, tame=True)
    plain("linear-svr", lambda: svm.LinearSVR(random_state=1), tame=True)

    both("tree-classifier", lambda: tree.DecisionTreeClassifier(max_depth=5, random_state=1), 3, kept=True)
    both("tree-regressor", lambda: tree.DecisionTreeRegressor(max_depth=5, random_state=1), kept=True)
    both("forest-binary", lambda: ensemble.RandomForestClassifier(12, max_depth=5, random_state=1), 2, kept=True)
    both("forest-classes", lambda: ensemble.RandomForestClassifier(12, max_depth=5, random_state=1), 4)
    plain("forest-texts", lambda: ensemble.RandomForestClassifier(4, max_depth=4, random_state=1), 3, kept=True, texts=True, zipmap=True)
    both("forest-regressor", lambda: ensemble.RandomForestRegressor(12, max_depth=5, random_state=1))
    plain("forest-missing", lambda: ensemble.RandomForestClassifier(12, max_depth=5, random_state=1), 2, missing=True)
    both("extra-classifier", lambda: ensemble.ExtraTreesClassifier(12, max_depth=5, random_state=1), 3)
    both("extra-regressor", lambda: ensemble.ExtraTreesRegressor(12, max_depth=5, random_state=1))
    both("boosting-binary", lambda: ensemble.GradientBoostingClassifier(n_estimators=20, max_depth=3, random_state=1), 2, kept=True)
    both("boosting-classes", lambda: ensemble.GradientBoostingClassifier(n_estimators=8, max_depth=3, random_state=1), 3)
    both("boosting-regressor", lambda: ensemble.GradientBoostingRegressor(n_estimators=20, max_depth=3, random_state=1), kept=True)
    both("histogram-binary", lambda: ensemble.HistGradientBoostingClassifier(max_iter=20, random_state=1), 2)
    both("histogram-classes", lambda: ensemble.HistGradientBoostingClassifier(max_iter=8, random_state=1), 3)
    both("histogram-regressor", lambda: ensemble.HistGradientBoostingRegressor(max_iter=20, random_state=1))
    plain("histogram-missing", lambda: ensemble.HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=8, random_state=1), 2, missing=True, kept=True)
    plain("histogram-poisson", lambda: ensemble.HistGradientBoostingRegressor(loss="poisson", max_iter=8, random_state=1), 3, positive=True)
    plain("ada-classifier", lambda: ensemble.AdaBoostClassifier(n_estimators=8, random_state=1), 2)
    plain("ada-classes", lambda: ensemble.AdaBoostClassifier(n_estimators=8, random_state=1), 3)
    plain("ada-regressor", lambda: ensemble.AdaBoostRegressor(n_estimators=8, random_state=1))
    plain("bagging-classifier", lambda: ensemble.BaggingClassifier(tree.DecisionTreeClassifier(max_depth=4), 6, random_state=1), 3)
    plain("bagging-regressor", lambda: ensemble.BaggingRegressor(tree.DecisionTreeRegressor(max_depth=4), 6, random_state=1))
    pair = [("l", lm.LogisticRegression()), ("t", tree.DecisionTreeClassifier(max_depth=4, random_state=1))]
    plain("voting-soft", lambda: ensemble.VotingClassifier(pair, voting="soft", flatten_transform=False), 3)
    plain("voting-hard", lambda: ensemble.VotingClassifier(pair, voting="hard", flatten_transform=False), 3)
    pair_r = [("l", lm.LinearRegression()), ("t", tree.DecisionTreeRegressor(max_depth=4, random_state=1))]
    plain("voting-regressor", lambda: ensemble.VotingRegressor(pair_r))
    plain("stacking-classifier", lambda: ensemble.StackingClassifier(pair), 2, kept=True)
    plain("stacking-regressor", lambda: ensemble.StackingRegressor(pair_r))
    plain("isolation-forest", lambda: ensemble.IsolationForest(n_estimators=4, max_samples=32, random_state=1), target_opset={"": 17, "ai.onnx.ml": 3}, kept=True)
    plain("local-outlier-factor", lambda: neighbors.LocalOutlierFactor(novelty=True))

    both("mlp-classifier", lambda: neural_network.MLPClassifier((16, 8), max_iter=50, random_state=1), 3, kept=True, tame=True)
    both("mlp-regressor", lambda: neural_network.MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", max_iter=50, random_state=1), kept=True, tame=True)
    plain("mlp-logistic", lambda: neural_network.MLPClassifier((8,), "logistic", max_iter=50, random_state=1), 2, tame=True)
    both("gaussian-nb", naive_bayes.GaussianNB, 3, tame=True, kept=True)
    plain("multinomial-nb", naive_bayes.MultinomialNB, 3, positive=True)
    plain("bernoulli-nb", naive_bayes.BernoulliNB, 3)
    plain("complement-nb", naive_bayes.ComplementNB, 3, positive=True)
    plain("categorical-nb", lambda: pipeline.make_pipeline(preprocessing.KBinsDiscretizer(4, encode="ordinal"), naive_bayes.MultinomialNB()), 3)
    plain("neighbors-classifier", lambda: neighbors.KNeighborsClassifier(5), 3, tame=True)
    plain("neighbors-regressor", lambda: neighbors.KNeighborsRegressor(5), tame=True)
    plain("neighbors-distance", lambda: neighbors.KNeighborsRegressor(5, weights="distance"), tame=True)
    plain("radius-regressor", lambda: neighbors.RadiusNeighborsRegressor(4.0), tame=True)
    plain("gaussian-process", lambda: gaussian_process.GaussianProcessRegressor(gaussian_process.kernels.RBF(), alpha=1e-3), tame=True, double=True)
    plain("gaussian-process-classifier", lambda: gaussian_process.GaussianProcessClassifier(), 2, tame=True, double=True)
    plain("kernel-ridge", lambda: kernel_ridge.KernelRidge(kernel="rbf"), tame=True)
    plain("lda", discriminant_analysis.LinearDiscriminantAnalysis, 3)
    plain("qda", discriminant_analysis.QuadraticDiscriminantAnalysis, 3, tame=True)
    plain("k-means", lambda: cluster.KMeans(4, random_state=1, n_init=2), tame=True)
    plain("dummy-classifier", lambda: dummy.DummyClassifier(strategy="prior"), 3)

    both("pca", lambda: decomposition.PCA(3), tame=True)
    plain("truncated-svd", lambda: decomposition.TruncatedSVD(3, random_state=1), tame=True)
    both("polynomial", lambda: preprocessing.PolynomialFeatures(2), tame=True)
    plain("bins-one-hot", lambda: preprocessing.KBinsDiscretizer(4, encode="onehot-dense"))
    plain("bins-ordinal", lambda: preprocessing.KBinsDiscretizer(4, encode="ordinal"))
    for name in ("StandardScaler", "MinMaxScaler", "RobustScaler", "MaxAbsScaler"):
        both(f"scaler-{name}", getattr(preprocessing, name))
    for norm in ("l1", "l2", "max"):
        plain(f"normalizer-{norm}", lambda n=norm: preprocessing.Normalizer(norm=n), tame=True)
    plain("power", preprocessing.PowerTransformer, tame=True)
    plain("power-box-cox", lambda: pipeline.make_pipeline(preprocessing.MinMaxScaler((0.1, 1)), preprocessing.PowerTransformer("box-cox")), tame=True)
    plain("quantile", lambda: preprocessing.QuantileTransformer(n_quantiles=20), tame=True)
    plain("binarizer", preprocessing.Binarizer)
    plain("imputer-mean", impute.SimpleImputer, missing=True, kept=True)
    plain("imputer-indicator", lambda: impute.SimpleImputer(add_indicator=True), missing=True)
    plain("imputer-neighbors", lambda: impute.KNNImputer(n_neighbors=3), missing=True)
    plain("select", lambda: feature_selection.SelectKBest(k=3))
    plain("imputed-boosting", lambda: pipeline.make_pipeline(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler(), ensemble.GradientBoostingClassifier(n_estimators=8, random_state=1)), 2, missing=True, kept=True)

    for method in ("sigmoid", "isotonic"):
        plain(f"calibrated-{method}", lambda m=method: calibration.CalibratedClassifierCV(lm.LogisticRegression(), method=m, cv=3), 3, tame=True)
    plain("calibrated-forest", lambda: calibration.CalibratedClassifierCV(ensemble.RandomForestClassifier(4, max_depth=4, random_state=1), cv=3), 2)
    plain("rest-forest", lambda: multiclass.OneVsRestClassifier(ensemble.RandomForestClassifier(4, max_depth=4, random_state=1)), 3)

    @case("multi-output-regressor")
    def multi_output():
        x = numbers()
        y = np.column_stack([target(x, 0), x[:, 4] * 2])
        return converted(multioutput.MultiOutputRegressor(lm.Ridge()).fit(x, y), x)

    @case("multi-output-forest", kept=True)
    def multi_forest():
        x = numbers()
        y = np.column_stack([target(x, 0), x[:, 4] * 2])
        return converted(ensemble.RandomForestRegressor(4, max_depth=4, random_state=1).fit(x, y), x)

    encoder_cases()


def encoder_cases():
    from sklearn import compose, ensemble, impute, linear_model, pipeline, preprocessing

    def texts(rows=240):
        rng = np.random.default_rng(5)
        return rng.choice(["red", "green", "blue", "", "é"], size=(rows, 2)).astype(object)

    def fitted(model, unseen, truth=True):
        x = texts()
        rows = texts(40)
        if unseen:
            rows[::7, 0] = "mauve"
        return converted(model.fit(x), x, rows=rows, truth=truth)

    case("one-hot", True)(lambda: fitted(preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False), True))
    case("one-hot-drop")(lambda: fitted(preprocessing.OneHotEncoder(drop="first", sparse_output=False), False))
    case("ordinal", True)(lambda: fitted(preprocessing.OrdinalEncoder(), False))
    case("ordinal-unseen")(lambda: fitted(preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), True))

    @case("one-hot-integers")
    def integers():
        x = np.random.default_rng(5).integers(-2, 5, size=(200, 2))
        rows = np.vstack([x[:30], [[99, 0], [2**40, 1]]]).astype(np.int64)
        return converted(preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(x), x, rows=rows)

    def columns(name, classifier, kept=False):
        @case(name, kept)
        def run():
            import pandas
            import skl2onnx
            from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType

            rng = np.random.default_rng(9)

            def frame(rows, seen):
                colours = ["red", "green", "blue"] + ([] if seen else ["mauve"])
                return pandas.DataFrame(
                    {
                        "amount": np.round(rng.gamma(2, 20, rows), 2).astype(np.float32),
                        "age": rng.integers(18, 80, rows).astype(np.int64),
                        "colour": rng.choice(colours, rows).astype(object),
                        "city": rng.choice(["Oslo", "Łódź", "Rome"], rows).astype(object),
                    }
                )

            x, rows = frame(300, True), frame(50, False)
            rows.loc[::5, "amount"] = np.float32(np.nan)
            y = ((x.amount > 40) ^ (x.colour == "red")).astype(int) + (x.age > 60)
            model = pipeline.make_pipeline(
                compose.ColumnTransformer(
                    [
                        ("n", pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), ["amount"]),
                        ("a", preprocessing.MinMaxScaler(), ["age"]),
                        ("c", preprocessing.OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour", "city"]),
                    ]
                ),
                classifier,
            ).fit(x, y)
            types = [("amount", FloatTensorType([None, 1])), ("age", Int64TensorType([None, 1])), ("colour", StringTensorType([None, 1])), ("city", StringTensorType([None, 1]))]
            graph = skl2onnx.convert_sklearn(model, initial_types=types, options={id(model): {"zipmap": False}})
            inputs = {name: rows[[name]].to_numpy() for name in rows.columns}
            return Case(graph, inputs, truth_of(model, rows))

    columns("columns-logistic", linear_model.LogisticRegression(max_iter=500), True)
    columns("columns-boosting", ensemble.GradientBoostingClassifier(n_estimators=8, random_state=1))


# ---- other trainers ----


def booster_cases():
    from onnxmltools.convert.common.data_types import FloatTensorType as MlFloat

    import catboost
    import lightgbm
    import onnxmltools
    import xgboost

    def boosted(name, make, convert, classes, kept=False, missing=False, truth=True):
        @case(name, kept)
        def run():
            x = numbers()
            y = target(x, classes)
            rows = with_awkward(x)
            if missing:
                rng = np.random.default_rng(7)
                x[rng.random(x.shape) < 0.1] = np.nan
                rows[rng.random(rows.shape) < 0.2] = np.nan
            model = make().fit(x, y)
            graph = convert(model)
            name_of_input = graph.graph.input[0].name
            return Case(graph, {name_of_input: rows}, truth_of(model, rows) if truth else None)

    types = [("X", MlFloat([None, 6]))]

    def by_xgboost(model):
        return onnxmltools.convert_xgboost(model, initial_types=types)

    def by_lightgbm(model):
        return onnxmltools.convert_lightgbm(model, initial_types=types, zipmap=False)

    def by_catboost(model):
        import onnx
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            model.save_model(f"{folder}/m.onnx", format="onnx")
            return onnx.load(f"{folder}/m.onnx")

    for missing in (False, True):
        tail = "-missing" if missing else ""
        small = {"n_estimators": 10, "max_depth": 4}
        boosted(f"xgboost-binary{tail}", lambda: xgboost.XGBClassifier(**small, random_state=1), by_xgboost, 2, not missing, missing)
        boosted(f"xgboost-classes{tail}", lambda: xgboost.XGBClassifier(**small, random_state=1), by_xgboost, 3, False, missing)
        boosted(f"xgboost-regressor{tail}", lambda: xgboost.XGBRegressor(**small, random_state=1), by_xgboost, 0, False, missing)
        quiet = {"n_estimators": 10, "num_leaves": 12, "verbose": -1, "random_state": 1}
        boosted(f"lightgbm-binary{tail}", lambda: lightgbm.LGBMClassifier(**quiet), by_lightgbm, 2, missing, missing)
        boosted(f"lightgbm-classes{tail}", lambda: lightgbm.LGBMClassifier(**quiet), by_lightgbm, 3, False, missing)
        boosted(f"lightgbm-regressor{tail}", lambda: lightgbm.LGBMRegressor(**quiet), by_lightgbm, 0, False, missing)
        cat = {"iterations": 6, "depth": 3, "verbose": False, "random_seed": 1, "allow_writing_files": False}
        boosted(f"catboost-binary{tail}", lambda: catboost.CatBoostClassifier(**cat), by_catboost, 2, not missing, missing)
        boosted(f"catboost-classes{tail}", lambda: catboost.CatBoostClassifier(**cat), by_catboost, 3, False, missing)
        boosted(f"catboost-regressor{tail}", lambda: catboost.CatBoostRegressor(**cat), by_catboost, 0, False, missing)
    boosted("lightgbm-forest", lambda: lightgbm.LGBMRegressor(boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, **quiet), by_lightgbm, 0)


# ---- networks, as a deep learning package would export them ----


def network_cases():
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(11)

    def weights(*shape):
        return (rng.normal(size=shape) / math.sqrt(shape[0])).astype(np.float32)

    def graph(nodes, inputs, outputs, constants, opset=17):
        made = helper.make_graph(nodes, "network", inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants.items()])
        return helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)

    value = helper.make_tensor_value_info
    node = helper.make_node

    @case("network-batch-norm", True)
    def batch_norm():
        constants = {"w1": weights(6, 16), "b1": weights(16), "scale": weights(16) + 1, "shift": weights(16), "mean": weights(16), "var": np.abs(weights(16)) + 0.5, "w2": weights(16, 3), "b2": weights(3)}
        nodes = [
            node("Gemm", ["x", "w1", "b1"], ["a"]),
            node("BatchNormalization", ["a", "scale", "shift", "mean", "var"], ["n"]),
            node("Relu", ["n"], ["r"]),
            node("Gemm", ["r", "w2", "b2"], ["s"]),
            node("Softmax", ["s"], ["p"], axis=1),
        ]
        made = graph(nodes, [value("x", 1, ["n", 6])], [value("p", 1, ["n", 3])], constants)
        return Case(made, {"x": np.clip(with_awkward(numbers()), -50, 50)})

    @case("network-embedding", True)
    def embedding():
        constants = {"table": weights(10, 4), "w1": weights(10, 12), "b1": weights(12), "g": weights(12) + 1, "h": weights(12), "w2": weights(12, 1), "b2": weights(1)}
        nodes = [
            node("Gather", ["table", "kind"], ["e"], axis=0),
            node("Flatten", ["e"], ["f"]),
            node("Concat", ["x", "f"], ["c"], axis=1),
            node("MatMul", ["c", "w1"], ["m"]),
            node("Add", ["m", "b1"], ["a"]),
            node("LayerNormalization", ["a", "g", "h"], ["l"], axis=-1),
            node("Tanh", ["l"], ["t"]),
            node("Gemm", ["t", "w2", "b2"], ["s"]),
            node("Sigmoid", ["s"], ["p"]),
        ]
        inputs = [value("x", 1, ["n", 6]), value("kind", TensorProto.INT64, ["n", 1])]
        made = graph(nodes, inputs, [value("p", 1, ["n", 1])], constants)
        x = np.clip(with_awkward(numbers()), -50, 50)
        return Case(made, {"x": x, "kind": rng.integers(0, 10, size=(len(x), 1))})


    @case("runtime-lstm", True)
    def lstm():
        constants = {"shape": np.array([-1, 3, 4]), "w": weights(1, 20, 4), "r": weights(1, 20, 5), "b": weights(1, 40), "axes": np.array([0]), "w2": weights(5, 2), "b2": weights(2)}
        nodes = [
            node("Reshape", ["x", "shape"], ["steps"]),
            node("Transpose", ["steps"], ["first"], perm=[1, 0, 2]),
            node("LSTM", ["first", "w", "r", "b"], ["", "h"], hidden_size=5),
            node("Squeeze", ["h", "axes"], ["last"]),
            node("Gemm", ["last", "w2", "b2"], ["p"]),
        ]
        made = graph(nodes, [value("x", 1, ["n", 12])], [value("p", 1, ["n", 2])], constants)
        return Case(made, {"x": np.clip(with_awkward(numbers(columns=12)), -50, 50)})

    @case("runtime-conv", True)
    def conv():
        constants = {"shape": np.array([-1, 1, 4, 4]), "w": weights(3, 1, 3, 3), "b": weights(3), "w2": weights(3, 2), "b2": weights(2)}
        nodes = [
            node("Reshape", ["x", "shape"], ["image"]),
            node("Conv", ["image", "w", "b"], ["c"]),
            node("Relu", ["c"], ["r"]),
            node("GlobalAveragePool", ["r"], ["g"]),
            node("Flatten", ["g"], ["f"]),
            node("Gemm", ["f", "w2", "b2"], ["p"]),
        ]
        made = graph(nodes, [value("x", 1, ["n", 16])], [value("p", 1, ["n", 2])], constants)
        return Case(made, {"x": np.clip(with_awkward(numbers(columns=16)), -50, 50)})


# ---- what ONNX Runtime answers ----


def session_of(case_):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(case_.model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def answers(case_):
    """(numbers, label) of each row: all outputs of float side by side, and the one label; None where there is none."""
    session = session_of(case_)
    names = [output.name for output in session.get_outputs()]
    rows = len(next(iter(case_.inputs.values())))
    given = []
    for row in range(rows):
        got = session.run(names, {k: v[row : row + 1] for k, v in case_.inputs.items()})
        out, other = [], []
        for value in got:
            if isinstance(value, list):  # what ZipMap made
                out += list(value[0].values())
            elif value.dtype.kind == "f":
                out += [float(number) for number in value.ravel()]
            else:
                other += value.ravel().tolist()
        given.append((out, other))
    return given


def is_double(case_):
    session = session_of(case_)
    kinds = [output.type for output in session.get_outputs()]
    return "tensor(double)" in kinds and not any("float" in kind for kind in kinds)


def as_json(value):
    if isinstance(value, (float, np.floating)):
        return None if math.isnan(value) else str(float(value)).replace("inf", "Infinity") if math.isinf(value) else float(value)
    if isinstance(value, np.integer):
        return int(value)
    return value


def row_of(case_, row):
    """As `leat model predict` takes it."""
    if len(case_.inputs) == 1:
        return [as_json(v) for v in next(iter(case_.inputs.values()))[row].tolist()]
    return {k: as_json(v[row].tolist()[0]) if v.shape[1] == 1 else [as_json(x) for x in v[row].tolist()] for k, v in case_.inputs.items()}


def all_cases():
    for group in (sklearn_cases, booster_cases, network_cases):
        group()
    return CASES


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).resolve().parent / "onnx")
    folder.mkdir(parents=True, exist_ok=True)
    all_cases()
    for name in KEPT:
        made = CASES[name]()
        made.model.doc_string = ""
        (folder / f"{name}.onnx").write_bytes(made.model.SerializeToString())
        lines = []
        for row, (out, label) in enumerate(answers(made)[:24]):
            line = {"features": row_of(made, row), "out": [as_json(v) for v in out]}
            if len(label) == 1:
                line["label"] = label[0]
            lines.append(json.dumps(line, ensure_ascii=False))
        (folder / f"{name}.rows.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
