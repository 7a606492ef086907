#!/usr/bin/env python3
"""Makes what bench_peers measures: models of three sizes by their own trainers, the same trees as ONNX, a small network,
and rows; and where the trainers' libraries are.

    bench/peers.py DIR

Needs numpy, xgboost, lightgbm, catboost, onnx and onnxruntime (scripts/venv.sh). Does nothing when DIR is complete."""

import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "2"

FEATURES = 32
ROWS = 8192
SHAPES = {"100x6": (100, 6, 64), "500x64": (500, None, 64), "1000x8": (1000, 8, 256)}


def rows_and_target(numpy, seed, count):
    """Rows of float32 of which a fifth of half the columns is missing; a target that only deep trees can follow."""
    random = numpy.random.default_rng(seed)
    rows = random.normal(size=(count, FEATURES)).astype(numpy.float32)
    missing = random.random((count, FEATURES)) < 0.2
    missing[:, FEATURES // 2 :] = False
    target = (numpy.sin(rows * 3).sum(axis=1) + random.normal(size=count) * 2 > 0).astype(numpy.float32)
    rows[missing] = numpy.nan
    return rows, target


def train_xgboost(shape, rows, target):
    import xgboost

    trees, depth, leaves = shape
    options = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 2, "eta": 0.05, "min_child_weight": 0}
    if depth:
        options["max_depth"] = depth
    else:
        options.update(max_depth=0, max_leaves=leaves, grow_policy="lossguide")
    return xgboost.train(options, xgboost.DMatrix(rows, target), trees)


def train_lightgbm(shape, rows, target):
    import lightgbm

    trees, depth, leaves = shape
    options = {"objective": "binary", "num_leaves": leaves, "max_depth": depth or -1, "learning_rate": 0.05}
    options.update(verbose=-1, num_threads=2, min_data_in_leaf=1)
    return lightgbm.train(options, lightgbm.Dataset(rows, target), trees)


def train_catboost(shape, rows, target, folder):
    import catboost

    trees, depth, _ = shape
    model = catboost.CatBoostClassifier(
        iterations=trees, depth=depth or 6, thread_count=2, verbose=False, learning_rate=0.05, train_dir=folder
    )
    return model.fit(rows, target)


def as_onnx(model, numpy):
    """XGBoost's trees as ONNX: the very comparisons of the model (x < t, missing by default)."""
    from onnx import TensorProto, helper

    learner = json.loads(model.save_raw("json"))["learner"]
    nodes = {name: [] for name in ("tree", "id", "feature", "mode", "value", "true", "false", "missing")}
    leaves = {name: [] for name in ("tree", "node", "id", "weight")}
    for number, tree in enumerate(learner["gradient_booster"]["model"]["trees"]):
        for node, left in enumerate(tree["left_children"]):
            leaf = left < 0
            nodes["tree"].append(number)
            nodes["id"].append(node)
            nodes["feature"].append(0 if leaf else tree["split_indices"][node])
            nodes["mode"].append("LEAF" if leaf else "BRANCH_LT")
            nodes["value"].append(0.0 if leaf else tree["split_conditions"][node])
            nodes["true"].append(0 if leaf else left)
            nodes["false"].append(0 if leaf else tree["right_children"][node])
            nodes["missing"].append(0 if leaf else int(tree["default_left"][node]))
            if leaf:
                for name, value in zip(leaves, (number, node, 0, tree["split_conditions"][node])):
                    leaves[name].append(value)
    ensemble = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["margin"],
        domain="ai.onnx.ml",
        n_targets=1,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=nodes["tree"],
        nodes_nodeids=nodes["id"],
        nodes_featureids=nodes["feature"],
        nodes_modes=nodes["mode"],
        nodes_values=nodes["value"],
        nodes_truenodeids=nodes["true"],
        nodes_falsenodeids=nodes["false"],
        nodes_missing_value_tracks_true=nodes["missing"],
        target_treeids=leaves["tree"],
        target_nodeids=leaves["node"],
        target_ids=leaves["id"],
        target_weights=leaves["weight"],
    )
    return graph([ensemble, helper.make_node("Sigmoid", ["margin"], ["score"])], FEATURES, [], "score")


def graph(nodes, width, initializers, output):
    from onnx import TensorProto, helper

    made = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["N", width])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", 1])],
        initializers,
    )
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)], ir_version=8
    )


def network(numpy):
    """20-64-32-1 with ReLU, as a training library exports it."""
    from onnx import helper, numpy_helper

    random = numpy.random.default_rng(7)
    sizes = [20, 64, 32, 1]
    nodes, weights, last = [], [], "X"
    for layer, (width, out) in enumerate(zip(sizes, sizes[1:])):
        for name, shape in (("W", (width, out)), ("b", (out,))):
            value = (random.normal(size=shape) / numpy.sqrt(width)).astype(numpy.float32)
            weights.append(numpy_helper.from_array(value, f"{name}{layer}"))
        nodes.append(helper.make_node("Gemm", [last, f"W{layer}", f"b{layer}"], [f"h{layer}"]))
        last = f"h{layer}"
        if out > 1:
            nodes.append(helper.make_node("Relu", [last], [f"r{layer}"]))
            last = f"r{layer}"
    nodes.append(helper.make_node("Sigmoid", [last], ["score"]))
    return graph(nodes, sizes[0], weights, "score")


def catboost_batches(model, rows, numpy):
    """µs a row of the trainer in batches of the sizes that its Python interface does not drown."""
    best = {}
    for size in (256, 4096):
        for _ in range(5):
            start = time.perf_counter()
            for at in range(0, ROWS, size):
                model.predict(rows[at : at + size], prediction_type="RawFormulaVal", thread_count=1)
            took = (time.perf_counter() - start) * 1e6 / ROWS
            best[size] = min(best.get(size, took), took)
    return best


def libraries():
    import lightgbm
    import onnxruntime
    import xgboost

    found = {"xgboost": Path(xgboost.__file__).parent / "lib/libxgboost.so"}
    found["lightgbm"] = Path(lightgbm.__file__).parent / "lib/lib_lightgbm.so"
    found["onnxruntime"] = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.*"))
    return found


def main():
    import numpy
    import onnx

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in libraries().items():
        (folder / f"{name}.path").write_text(str(path))
    if (folder / "complete").exists():
        return
    rows, target = rows_and_target(numpy, 1, 20000)
    fresh, _ = rows_and_target(numpy, 2, ROWS)
    fresh.tofile(folder / "rows.f32")
    onnx.save(network(numpy), folder / "network.onnx")
    for name, shape in SHAPES.items():
        booster = train_xgboost(shape, rows, target)
        booster.save_model(folder / f"{name}.xgboost.json")
        onnx.save(as_onnx(booster, numpy), folder / f"{name}.onnx")
        train_lightgbm(shape, rows, target).save_model(folder / f"{name}.lightgbm.txt")
        model = train_catboost(shape, rows, target, str(folder / "catboost"))
        model.save_model(str(folder / f"{name}.catboost.json"), format="json")
        model.predict(fresh, prediction_type="RawFormulaVal").astype("<f8").tofile(folder / f"{name}.catboost.f64")
        with open(folder / f"{name}.catboost.us", "w") as file:
            for size, us in catboost_batches(model, fresh, numpy).items():
                print(size, us, file=file)
        print(f"# {name}", file=sys.stderr)
    (folder / "complete").touch()


if __name__ == "__main__":
    main()
