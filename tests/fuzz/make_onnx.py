#!/usr/bin/env python3
"""Writes tests/fuzz/corpus/onnx: small graphs of each kind, by the onnx package and skl2onnx.

    "$(scripts/venv.sh onnx skl2onnx scikit-learn)" tests/fuzz/make_onnx.py
"""

import warnings
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

FOLDER = Path(__file__).resolve().parent / "corpus/onnx"
FLOAT, INT64, BOOL, STRING = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name, data, kind=np.float32):
    return numpy_helper.from_array(np.array(data, dtype=kind), name)


def write(name, nodes, inputs, outputs, initializers=(), functions=(), domains=(("", 17), ("ai.onnx.ml", 3))):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*d) for d in domains], functions=list(functions))
    model.ir_version = 8
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def graphs():
    n = helper.make_node
    x, y = value("X", FLOAT, [None, 2]), value("Y", FLOAT, [None, 2])
    weights = [constant("W", [[1, 2], [3, 4]]), constant("b", [0.5, -0.5])]
    write("network", [n("Gemm", ["X", "W", "b"], ["h"]), n("Relu", ["h"], ["r"]), n("MatMul", ["r", "W"], ["s"]), n("Softmax", ["s"], ["Y"], axis=1)], [x], [y], weights)
    then = helper.make_graph([n("Neg", ["X"], ["t"])], "then", [], [value("t", FLOAT, None)])
    other = helper.make_graph([n("Abs", ["X"], ["e"])], "else", [], [value("e", FLOAT, None)])
    write("if", [n("ReduceSum", ["X"], ["s"], keepdims=0), n("Cast", ["s"], ["c"], to=BOOL), n("If", ["c"], ["Y"], then_branch=then, else_branch=other)], [x], [y])
    body = helper.make_graph([n("Add", ["s", "x"], ["t"]), n("Identity", ["t"], ["o"])], "body", [value("s", FLOAT, [2]), value("x", FLOAT, [2])], [value("t", FLOAT, [2]), value("o", FLOAT, [2])])
    write("scan", [n("Scan", ["b", "X"], ["last", "Y"], body=body, num_scan_inputs=1)], [x], [y, value("last", FLOAT, [2])], weights)
    double = helper.make_function("mine", "Double", ["v"], ["w"], [n("Add", ["v", "v"], ["w"])], [helper.make_opsetid("", 17)])
    write("function", [n("Double", ["X"], ["Y"], domain="mine")], [x], [y], functions=[double], domains=(("", 17), ("mine", 1)))
    shapes = [n("Shape", ["X"], ["sh"]), n("ConstantOfShape", ["sh"], ["z"], value=constant("", [1])), n("Concat", ["X", "z"], ["c"], axis=1), n("Reshape", ["c", "to"], ["q"]), n("Transpose", ["q"], ["p"], perm=[0, 2, 1]), n("Slice", ["p", "one", "two", "two"], ["l"]), n("Squeeze", ["l", "two"], ["Y"])]
    write("shapes", shapes, [x], [y], [constant("to", [-1, 2, 2], np.int64), constant("one", [1], np.int64), constant("two", [2], np.int64)])
    texts = [n("LabelEncoder", ["X"], ["i"], keys_strings=["a", "b"], values_int64s=[3, 4], default_int64=-1, domain="ai.onnx.ml"), n("OneHotEncoder", ["X"], ["Y"], cats_strings=["a", "c"], domain="ai.onnx.ml")]
    write("texts", texts, [value("X", STRING, [None, 1])], [value("i", INT64, [None, 1]), value("Y", FLOAT, None)])
    write("reduce", [n("TopK", ["X", "k"], ["v", "i"]), n("Gather", ["v", "z"], ["g"], axis=1), n("ReduceLogSumExp", ["g"], ["r"], axes=[1]), n("Tile", ["r", "t"], ["Y"])], [x], [y, value("i", INT64, None)], [constant("k", [2], np.int64), constant("z", [1, 0], np.int64), constant("t", [1, 2], np.int64)])


def models():
    random = np.random.default_rng(1)
    x = random.normal(size=(60, 2)).astype(np.float32)
    classes = (x[:, 0] + x[:, 1] > 0).astype(int) + (x[:, 0] > 1)
    for name, model, target in [
        ("logistic", make_pipeline(StandardScaler(), LogisticRegression()), classes),
        ("tree", DecisionTreeClassifier(max_depth=3), np.array(["low", "mid", "high"])[classes]),
        ("boosting", GradientBoostingRegressor(n_estimators=3, max_depth=2), x[:, 0] * x[:, 1]),
        ("vectors", SVC(probability=True), classes),
        ("neighbours", KNeighborsClassifier(3), classes),
        ("bayes", GaussianNB(), classes),
        ("isolation", IsolationForest(n_estimators=2, max_samples=8), None),
    ]:
        model.fit(x[:20] if name in ("vectors", "neighbours") else x, None if target is None else target[: 20 if name in ("vectors", "neighbours") else None])
        (FOLDER / f"{name}.onnx").write_bytes(to_onnx(model, x[:1], target_opset={"": 17, "ai.onnx.ml": 3}).SerializeToString())
    texts = np.array([["a"], ["b"], ["c"]] * 20)
    pipeline = make_pipeline(ColumnTransformer([("t", OneHotEncoder(handle_unknown="ignore"), [0])]), LogisticRegression()).fit(texts, classes)
    model = to_onnx(pipeline, initial_types=[("X", StringTensorType([None, 1]))], target_opset={"": 17, "ai.onnx.ml": 3})
    (FOLDER / "encoder.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    FOLDER.mkdir(parents=True, exist_ok=True)
    graphs()
    models()
