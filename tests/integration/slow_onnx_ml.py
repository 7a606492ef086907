#!/usr/bin/env python3
"""Random nodes of ai.onnx.ml give what ONNX Runtime gives: attributes of every kind, awkward numbers, all types.

LEAT_ONNX_SEED picks other nodes, LEAT_ONNX_COUNT says how many of each kind (60). A node that ONNX Runtime does not take is
passed over; one that only leat refuses must say that it does not run here.
"""
# requires: numpy onnx onnxruntime
# timeout: 3600

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
SEED = int(os.environ.get("LEAT_ONNX_SEED", "1"))
COUNT = int(os.environ.get("LEAT_ONNX_COUNT", "60"))
TYPES = {"float32": 1, "float64": 11, "int64": 7, "int32": 6, "object": 8}
NUMBERS = ("float32", "float64", "int64", "int32")
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]


def floats(values):
    return [float(np.float32(v)) for v in np.ravel(values)]


def matrix(rng, dtype, rows=None, columns=None):
    shape = (rows or int(rng.integers(1, 40)), columns or int(rng.integers(1, 6)))
    if dtype.startswith("int"):
        return rng.choice([0, 1, 2, -1, -5, 3, 40], size=shape).astype(dtype)
    special = [0, -0.0, 1, -1, 1e-40, math.nan] if rng.random() < 0.3 else [0, 1.0, -1]
    return np.where(rng.random(shape) < 0.3, rng.choice(special, size=shape), rng.normal(size=shape)).astype(dtype)


def labels(rng, count, numbers):
    if rng.random() < 0.5:
        return {numbers: [7 - 2 * i for i in range(count)]}, 7
    return {"classlabels_strings": [f"c{i}" for i in range(count)]}, 8


def transform(rng):
    return str(rng.choice(TRANSFORMS, p=[0.4, 0.2, 0.2, 0.1, 0.1]))


# ---- trees ----


def grow(rng, depth, features, modes, grid):
    nodes = []

    def add(left):
        at = len(nodes)
        nodes.append(None)
        if left == 0 or rng.random() < 0.15:
            nodes[at] = ("LEAF", 0, 0.0, 0, 0, 0)
            return at
        feature, value, mode = int(rng.integers(features)), float(rng.choice(grid)), str(rng.choice(modes))
        yes, no = add(left - 1), add(left - 1)
        nodes[at] = (mode, feature, value, yes, no, int(rng.random() < 0.3))
        return at

    add(depth)
    return nodes


def old_trees(rng, kind):
    classifier = kind == "TreeEnsembleClassifier"
    prefix = "class" if classifier else "target"
    dtype = str(rng.choice(NUMBERS if classifier else NUMBERS[:2]))
    version = int(rng.choice([1, 3]))
    count, features = int(rng.choice([1, 2, 2, 2, 3, 5])), int(rng.integers(1, 5))
    grid = [0, -0.0, 1, 2, 0.5, -1.5] + ([3e38, 1e-40, 16777217, math.nan] if dtype.startswith("f") else [16777216])
    grid = np.array(grid, "float64" if dtype == "float64" and version == 3 else "float32")
    modes = ["BRANCH_LEQ"] if rng.random() < 0.4 else ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE", "BRANCH_EQ", "BRANCH_NEQ"]
    style = str(rng.choice(["one", "all", "some", "tree"]))
    low = -1 if rng.random() < 0.5 else 0
    table, weights = [], []
    for tree in range(int(rng.integers(1, 12))):
        for at, node in enumerate(grow(rng, int(rng.integers(0, 5)), features, modes, grid)):
            table.append((tree, at, *node))
            if node[0] != "LEAF":
                continue
            some = sorted(rng.choice(count, int(rng.integers(1, count + 1)), replace=False).tolist())
            for target in {"one": [0], "all": range(count), "tree": [tree % count], "some": some}[style]:
                weights.append((tree, at, target, float(np.float32(rng.uniform(low, 1)))))
    columns = list(zip(*table))
    names = ["treeids", "nodeids", "modes", "featureids", None, "truenodeids", "falsenodeids", "missing_value_tracks_true"]
    attributes = {f"nodes_{name}": list(columns[i]) for i, name in enumerate(names) if name}
    for i, name in enumerate(["treeids", "nodeids", "ids"]):
        attributes[f"{prefix}_{name}"] = [weight[i] for weight in weights]
    numbers = {"nodes_values": columns[4], f"{prefix}_weights": [weight[3] for weight in weights]}
    if rng.random() < 0.5:
        numbers["base_values"] = floats(rng.normal(size=count if rng.random() < 0.7 or not classifier else 1))
    as_tensor = version == 3 and (dtype == "float64" or rng.random() < 0.3)
    for name, values in numbers.items():
        if as_tensor:
            attributes[f"{name}_as_tensor"] = numpy_helper.from_array(np.array(values, "float64" if dtype == "float64" else "float32"))
        else:
            attributes[name] = [float(v) for v in values]
    attributes["post_transform"] = transform(rng)
    x = matrix(rng, dtype, columns=features)
    if not classifier:
        attributes |= {"n_targets": count, "aggregate_function": str(rng.choice(["SUM", "AVERAGE", "MIN", "MAX"]))}
        return helper.make_node(kind, ["x"], ["y"], **attributes), {"x": x}, {"y": 1}, version
    # One class with a text for its name ends ONNX Runtime's process.
    named, kind_of_label = labels(rng, count, "classlabels_int64s") if count > 1 else ({"classlabels_int64s": [3]}, 7)
    return helper.make_node(kind, ["x"], ["label", "y"], **attributes, **named), {"x": x}, {"label": kind_of_label, "y": 1}, version


def new_trees(rng, kind):
    dtype = str(rng.choice(NUMBERS[:2]))
    targets = int(rng.integers(1, 4))
    # Whole numbers: ONNX Runtime cuts what it looks up in a large set.
    x = np.where(rng.random((9, 3)) < 0.2, math.nan, rng.choice([0, 1, 2, 3, 40, -1, 7], size=(9, 3))).astype(dtype)
    lists = {f"nodes_{n}": [] for n in ("truenodeids", "falsenodeids", "trueleafs", "falseleafs", "featureids", "missing_value_tracks_true")}
    modes, splits, members, leaves, leaf_targets, roots = [], [], {}, [], [], []

    def leaf():
        leaves.append(float(np.float32(rng.normal())))
        leaf_targets.append(int(rng.integers(targets)))
        return len(leaves) - 1

    def add(depth):
        at = len(modes)
        modes.append(int(rng.integers(7)))
        splits.append(float(rng.choice([0, 1, 2, 0.5, 3])))
        for values in lists.values():
            values.append(0)
        if modes[at] == 6:
            members[at] = floats(rng.choice([0, 1, 2, 3, 40, 7], size=int(rng.integers(1, 4)), replace=False))
        lists["nodes_featureids"][at] = int(rng.integers(3))
        lists["nodes_missing_value_tracks_true"][at] = int(rng.random() < 0.3)
        for side in ("true", "false"):
            ends = depth == 0 or rng.random() < 0.3
            lists[f"nodes_{side}leafs"][at] = int(ends)
            lists[f"nodes_{side}nodeids"][at] = leaf() if ends else add(depth - 1)
        return at

    for _ in range(int(rng.integers(1, 5))):
        roots.append(add(int(rng.integers(0, 4))))
    more = {}
    if members:
        more["membership_values"] = numpy_helper.from_array(np.array([v for at in sorted(members) for v in [*members[at], math.nan]], dtype))
    node = helper.make_node(
        kind,
        ["x"],
        ["y"],
        tree_roots=roots,
        n_targets=targets,
        nodes_modes=numpy_helper.from_array(np.array(modes, "uint8")),
        nodes_splits=numpy_helper.from_array(np.array(splits, dtype)),
        leaf_targetids=leaf_targets,
        leaf_weights=numpy_helper.from_array(np.array(leaves, dtype)),
        aggregate_function=int(rng.choice([1, 1, 0, 2, 3])),
        post_transform=int(rng.choice([0, 3, 4])),  # ONNX Runtime takes 1 for 2 and 2 for 1
        **lists,
        **more,
    )
    return node, {"x": x}, {"y": TYPES[dtype]}, 5


# ---- linear models and vectors ----


def linear_classifier(rng, kind):
    x = matrix(rng, str(rng.choice(NUMBERS)))
    rows = int(rng.choice([1, 2, 3]))
    named, kind_of_label = labels(rng, max(rows, 2), "classlabels_ints")
    node = helper.make_node(kind, ["x"], ["label", "y"], coefficients=floats(rng.normal(size=(rows, x.shape[1]))), intercepts=floats(rng.normal(size=rows)), post_transform=transform(rng), **named)
    return node, {"x": x}, {"label": kind_of_label, "y": 1}, 1


def linear_regressor(rng, kind):
    x = matrix(rng, "float32")
    targets = int(rng.integers(1, 4))
    more = {"intercepts": floats(rng.normal(size=targets))} if rng.random() < 0.7 else {}
    return helper.make_node(kind, ["x"], ["y"], coefficients=floats(rng.normal(size=(targets, x.shape[1]))), targets=targets, post_transform=transform(rng), **more), {"x": x}, {"y": 1}, 1


def kernel(rng):
    return {"kernel_type": str(rng.choice(["LINEAR", "POLY", "RBF", "SIGMOID"])), "kernel_params": floats([0.3, rng.choice([0, 0.5]), rng.choice([2, 3])])}


def svm_regressor(rng, kind):
    x = np.clip(matrix(rng, "float32"), -5, 5)
    vectors = int(rng.integers(0, 5))
    more = kernel(rng) | {"support_vectors": floats(rng.normal(size=(vectors, x.shape[1])))} if vectors else {"kernel_params": [0.0, 0.0, 0.0]}
    return helper.make_node(kind, ["x"], ["y"], coefficients=floats(rng.normal(size=vectors or x.shape[1])), n_supports=vectors, rho=floats(rng.normal(size=1)), one_class=int(rng.random() < 0.3), **more), {"x": x}, {"y": 1}, 1


def svm_classifier(rng, kind):
    x = np.clip(matrix(rng, str(rng.choice(NUMBERS))), -5, 5)
    classes = int(rng.choice([2, 2, 3, 4]))
    per_class = [int(i) for i in rng.integers(1, 4, size=classes)]
    vectors, pairs = sum(per_class), classes * (classes - 1) // 2
    named, kind_of_label = labels(rng, classes, "classlabels_ints")
    if rng.random() < 0.2:
        more = {"coefficients": floats(rng.uniform(rng.choice([-1, 0]), 1, size=(classes, x.shape[1]))), "rho": floats(rng.normal(size=1)), "kernel_params": [0.0, 0.0, 0.0]}
    else:
        more = kernel(rng) | {"vectors_per_class": per_class, "support_vectors": floats(rng.normal(size=(vectors, x.shape[1]))), "coefficients": floats(rng.normal(size=(classes - 1, vectors))), "rho": floats(rng.normal(size=pairs))}
        if rng.random() < 0.5:
            more |= {"prob_a": floats(-rng.random(pairs) - 0.5), "prob_b": floats(rng.normal(size=pairs) * 0.2)}
    return helper.make_node(kind, ["x"], ["label", "y"], post_transform=transform(rng), **named, **more), {"x": x}, {"label": kind_of_label, "y": 1}, 1


# ---- scalers and encoders ----


def scaler(rng, kind):
    x = matrix(rng, str(rng.choice(NUMBERS)))
    width = x.shape[1] if rng.random() < 0.7 else 1
    return helper.make_node(kind, ["x"], ["y"], offset=floats(rng.normal(size=width)), scale=floats(rng.normal(size=width))), {"x": x}, {"y": 1}, 1


def normalizer(rng, kind):
    return helper.make_node(kind, ["x"], ["y"], norm=str(rng.choice(["MAX", "L1", "L2"]))), {"x": matrix(rng, str(rng.choice(NUMBERS)))}, {"y": 1}, 1


def imputer(rng, kind):
    x = matrix(rng, str(rng.choice(["float32", "int64"])))
    width = x.shape[1] if rng.random() < 0.7 else 1
    if x.dtype == "int64":
        return helper.make_node(kind, ["x"], ["y"], imputed_value_int64s=[int(i) for i in rng.integers(-9, 9, size=width)], replaced_value_int64=int(rng.choice([0, 1, -1]))), {"x": x}, {"y": 7}, 1
    x[rng.random(x.shape) < 0.3] = math.nan
    return helper.make_node(kind, ["x"], ["y"], imputed_value_floats=floats(rng.normal(size=width)), replaced_value_float=float(rng.choice([math.nan, 0, 1]))), {"x": x}, {"y": 1}, 1


def binarizer(rng, kind):
    return helper.make_node(kind, ["x"], ["y"], threshold=float(rng.choice([0, 0.5, -1]))), {"x": np.nan_to_num(matrix(rng, "float32"))}, {"y": 1}, 1


POOL = {"strings": ["a", "b", "", "é", "zz"], "int64s": [0, 1, -7, 2**40], "floats": [0.0, 1.5, math.nan, -3.0]}
DTYPES = {"strings": "object", "int64s": "int64", "floats": "float32"}


def label_encoder(rng, kind):
    keys, values = str(rng.choice(list(POOL))), str(rng.choice(list(POOL)))
    count = int(rng.integers(1, 5))
    lists = {f"{part}_{name}": [POOL[name][i] for i in rng.permutation(len(POOL[name]))[:count]] for part, name in (("keys", keys), ("values", values))}
    default = {"strings": {"default_string": "dd"}, "int64s": {"default_int64": 99}, "floats": {"default_float": 2.5}}[values]
    x = np.array([POOL[keys][i] for i in rng.integers(0, len(POOL[keys]), size=12)], dtype=DTYPES[keys]).reshape(4, 3)
    x = -x if keys == "floats" and rng.random() < 0.5 else x
    return helper.make_node(kind, ["x"], ["y"], **lists, **(default if rng.random() < 0.5 else {})), {"x": x}, {"y": TYPES[DTYPES[values]]}, int(rng.choice([2, 4]))


def one_hot(rng, kind):
    if rng.random() < 0.5:
        x, more = rng.choice(["a", "b", "", "c"], size=(4, 3)).astype(object), {"cats_strings": ["b", "a", ""]}
    else:
        x, more = matrix(rng, str(rng.choice(NUMBERS[:3]))), {"cats_int64s": [1, 0, -1, 3]}
    return helper.make_node(kind, ["x"], ["y"], zeros=int(rng.random() < 0.8), **more), {"x": x}, {"y": 1}, 1


def category_mapper(rng, kind):
    text = rng.random() < 0.5
    x = rng.choice(["a", "b", "", "c"], size=(4, 3)).astype(object) if text else rng.integers(0, 6, size=(4, 3))
    return helper.make_node(kind, ["x"], ["y"], cats_strings=["a", "", "b"], cats_int64s=[3, 1, 5], default_int64=-4, default_string="?"), {"x": x}, {"y": 7 if text else 8}, 1


def extractor(rng, kind):
    x = matrix(rng, str(rng.choice(NUMBERS)))
    places = rng.integers(0, x.shape[1], size=int(rng.integers(1, 5)))
    x = x[0] if rng.random() < 0.2 else x
    return helper.make_node(kind, ["x", "i"], ["y"]), {"x": x, "i": places}, {"y": TYPES[str(x.dtype)]}, 1


def vectorizer(rng, kind):
    dtype = str(rng.choice(NUMBERS))
    x, z = matrix(rng, dtype, rows=5), matrix(rng, dtype, rows=5, columns=2)
    return helper.make_node(kind, ["x", "z"], ["y"], inputdimensions=[max(1, x.shape[1] + int(rng.integers(-1, 2))), 2]), {"x": x, "z": z}, {"y": 1}, 1


KINDS = {
    "TreeEnsembleClassifier": old_trees,
    "TreeEnsembleRegressor": old_trees,
    "TreeEnsemble": new_trees,
    "LinearClassifier": linear_classifier,
    "LinearRegressor": linear_regressor,
    "SVMClassifier": svm_classifier,
    "SVMRegressor": svm_regressor,
    "Scaler": scaler,
    "Normalizer": normalizer,
    "Imputer": imputer,
    "Binarizer": binarizer,
    "LabelEncoder": label_encoder,
    "OneHotEncoder": one_hot,
    "CategoryMapper": category_mapper,
    "ArrayFeatureExtractor": extractor,
    "FeatureVectorizer": vectorizer,
}


# ---- comparing ----


def model_of(node, inputs, outputs, version):
    node.domain = "ai.onnx.ml"
    value = helper.make_tensor_value_info
    graph = helper.make_graph([node], "one", [value(k, TYPES[str(v.dtype)], v.shape) for k, v in inputs.items()], [value(k, t, None) for k, t in outputs.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", version)], ir_version=9).SerializeToString()


def by_runtime(model, inputs):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run(None, inputs)
    except Exception:
        return None


def as_json(value):
    if isinstance(value, list):
        return [as_json(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("nan", "NaN").replace("inf", "Infinity")
    return value


def by_leat(model, inputs, folder):
    path = folder / "model.onnx"
    path.write_bytes(model)
    line = json.dumps({k: as_json(v.astype("float64").tolist() if v.dtype.kind == "f" else v.tolist()) for k, v in inputs.items()})
    env = dict(os.environ, LEAT_ONNXRUNTIME="/nowhere/libonnxruntime.so")
    ran = subprocess.run([LEAT, "model", "predict", path, "--tensors"], input=line + "\n", capture_output=True, text=True, check=False, env=env)
    return (json.loads(ran.stdout), "") if ran.returncode == 0 else (None, f"{ran.returncode}: {ran.stderr.strip()}")


def numbers_of(value):
    if isinstance(value, list):
        return [numbers_of(v) for v in value]
    return float(value.replace("Infinity", "inf")) if isinstance(value, str) else value


def difference(expected, got):
    got = np.array(numbers_of(got) if expected.dtype.kind == "f" else got, dtype=expected.dtype)
    if expected.shape != got.shape:
        return f"shape {expected.shape}, leat {got.shape}"
    good = np.isclose(expected, got, rtol=1e-5, atol=1e-5, equal_nan=True) if expected.dtype.kind == "f" else expected == got
    return None if good.all() else f"{expected[~good][:4]}, leat {got[~good][:4]}"


def check(kind, seed, folder):
    """(was it compared?, what is wrong)"""
    node, inputs, outputs, version = KINDS[kind](np.random.default_rng(seed), kind)
    model = model_of(node, inputs, outputs, version)
    expected = by_runtime(model, inputs)
    got, trouble = by_leat(model, inputs, folder)
    if got is None:
        refused = trouble.startswith("1: ") and (expected is None or "does not run here: " in trouble)
        return False, None if refused else trouble
    if expected is None:
        return False, None
    for name, value in zip(outputs, expected):
        wrong = difference(np.asarray(value), got[name])
        if wrong:
            return True, f"{name}: {wrong}"
    return True, None


def main():
    failed = 0
    for kind in KINDS:
        compared = wrong = 0
        with tempfile.TemporaryDirectory(prefix="leat-onnx-") as folder:
            for seed in range(SEED * 100000, SEED * 100000 + COUNT):
                was_compared, trouble = check(kind, seed, Path(folder))
                compared += was_compared
                wrong += trouble is not None
                if trouble:
                    print(f"# {kind} seed {seed}: {trouble}")
        good = wrong == 0 and compared > COUNT / 2
        failed += not good
        print(f"{'ok' if good else 'not ok'} {compared} random nodes {kind} give what ONNX Runtime gives", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
