#!/usr/bin/env python3
"""Model files, rows and names that somebody made in order to do harm: refused in one line, never a crash or a wrong score."""
# timeout: 60

import json
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
MODELS = ROOT / "tests/data/models"


def check(name, good, why=""):
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-30:]:
        print(f"# {line[:1000]}")


def leat(*arguments, rows=b"", **environment):
    return subprocess.run(
        [LEAT, "model", *map(str, arguments)], capture_output=True, check=False, input=rows, timeout=30,
        env={**os.environ, **environment},
    )  # fmt: skip


def refused_in_a_line(done):
    return done.returncode == 1 and done.stderr.count(b"\n") == 1 and not any(c < 32 and c != 10 for c in done.stderr)


# ---- just enough of protobuf's wire format to write a graph ----


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def attribute(name, values):
    """Of whole numbers, floats or texts."""
    kind, number, code = (7, 8, None) if isinstance(values[0], int) else (6, 7, "<f") if isinstance(values[0], float) else (8, 9, "")
    parts = b"".join(
        field(number, v) if not code else varint(number << 3 | 5) + struct.pack(code, v) for v in values
    )  # fmt: skip
    return field(5, field(1, name) + field(20, kind) + parts)


def value_info(name, width):
    shape = field(1, field(2, "N")) + field(1, field(1, width))
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))


def graph(node, width):
    body = field(1, node) + field(2, "g") + field(11, value_info("X", width)) + field(12, value_info("Y", 1))
    opsets = field(8, field(1, "") + field(2, 17)) + field(8, field(1, "ai.onnx.ml") + field(2, 3))
    return field(1, 8) + field(7, body) + opsets


def ensemble(yes, no):
    """Trees by their children; -1 is a leaf. Inner splits ask for x <= 0.5, leaves have their own number."""
    ids = list(range(len(yes)))
    leaves = [i for i in ids if yes[i] < 0]
    node = field(1, "X") + field(2, "Y") + field(4, "TreeEnsembleRegressor") + field(7, "ai.onnx.ml")
    node += field(5, field(1, "n_targets") + field(20, 2) + field(3, 1))
    node += attribute("nodes_treeids", [0] * len(ids)) + attribute("nodes_nodeids", ids)
    node += attribute("nodes_featureids", [0 if y < 0 else i % 2 for i, y in enumerate(yes)])
    node += attribute("nodes_values", [0.5] * len(ids))
    node += attribute("nodes_modes", ["LEAF" if y < 0 else "BRANCH_LEQ" for y in yes])
    node += attribute("nodes_truenodeids", [max(y, 0) for y in yes]) + attribute("nodes_falsenodeids", [max(n, 0) for n in no])
    node += attribute("target_treeids", [0] * len(leaves)) + attribute("target_nodeids", leaves)
    node += attribute("target_ids", [0] * len(leaves)) + attribute("target_weights", [float(i) for i in leaves])
    return graph(node, 2)


def test_shared_splits(folder):
    """Of n splits each leads to the next and to the one behind it: as many ways as Fibonacci's numbers."""
    path = folder / "shared.onnx"
    for splits in (2, 3, 40, 1000):
        yes = [i + 1 for i in range(splits)] + [-1, -1]
        no = [i + 2 for i in range(splits)] + [-1, -1]
        path.write_bytes(ensemble(yes, no))
        done = leat("predict", path, rows=b"[0, 0]\n[1, 1]\n[0, 1]\n")
        at = [0, 0, 0]
        for row, x in enumerate(((0, 0), (1, 1), (0, 1))):
            while yes[at[row]] >= 0:
                at[row] = yes[at[row]] if x[at[row] % 2] <= 0.5 else no[at[row]]
        expected = b"".join(b'{"out": [%d]}\n' % leaf for leaf in at)
        check(f"of {splits} splits that share their children each is scored", done.stdout == expected, (done, expected))


# ---- what a file says is not what a terminal does ----


def test_control_characters(folder):
    odd = "a\nb\x1b[31m"
    model = json.loads((MODELS / "xgboost-3.2-binary.json").read_text())
    model["learner"]["objective"]["name"] = odd
    path = folder / "odd.json"
    path.write_text(json.dumps(model))
    done = leat("predict", path)
    check("an objective with a line end and an escape is refused in one line", refused_in_a_line(done), done)
    path.write_text(json.dumps({"leat_model": "linear", "features": {odd: "x"}}))
    done = leat("predict", path)
    check("so is a linear model's feature", refused_in_a_line(done), done)
    for row in ({odd: 1}, {"Column_0": odd}):
        done = leat("predict", MODELS / "lightgbm-4.6-binary.txt", rows=json.dumps(row).encode())
        check(f"so is the row {json.dumps(row)}", refused_in_a_line(done), done)


# ---- a split by categories whose right child is none ----


def test_half_a_split(folder):
    model = json.loads((MODELS / "xgboost-3.4-sets.json").read_text())
    for tree in model["learner"]["gradient_booster"]["model"]["trees"]:
        for node in tree["categories_nodes"]:
            tree["right_children"][node] = -1
    path = folder / "half.json"
    path.write_text(json.dumps(model))
    done = leat("predict", path, rows=b"{}")
    check("a split by categories without a right child is refused", refused_in_a_line(done), done)


# ---- classes ----


def test_class_names(folder):
    model = MODELS / "xgboost-3.2-softprob.json"
    for classes in (["a", "a", "b"], ["a", "", "b"], [1, "1", 2]):
        meta = folder / "meta.json"
        meta.write_text(json.dumps({"classes": classes}))
        done = leat("add", "classes", model, "--meta", meta, "--registry", folder / "registry")
        check(f"the class names {json.dumps(classes)} are refused", refused_in_a_line(done), done)
    check("and leave nothing behind", not (folder / "registry" / "classes").exists())


# ---- a library that is not ONNX Runtime ----


def test_other_libraries(folder):
    model = MODELS / "onnx/runtime-lstm.onnx"
    (folder / "text.so").write_text("no library")
    paths = [folder / "text.so", folder, folder / "absent.so"]
    if shutil.which("cc"):
        source = folder / "null.c"
        source.write_text("void *OrtGetApiBase(void) { return 0; }\n")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", folder / "null.so", source], check=True)
        paths.append(folder / "null.so")
    for path in paths:
        done = leat("predict", model, rows=b"{}", LEAT_ONNXRUNTIME=str(path))
        check(f"LEAT_ONNXRUNTIME={path.name if path != folder else 'a folder'} is refused",
              refused_in_a_line(done) and b"ONNX Runtime would be asked, but" in done.stderr, done)  # fmt: skip


# ---- every format, cut and changed ----


def test_cut_files(folder):
    models = [
        "xgboost-3.4-texts.json", "xgboost-3.4-sets-ubjson.ubj", "lightgbm-4.6-pandas.txt", "catboost/catboost-1.2-one-hot.json",
        "linear/linear-softmax.json", "onnx/forest-texts.onnx", "onnx/network-embedding.onnx",
    ]  # fmt: skip
    for name in models:
        content = (MODELS / name).read_bytes()
        bad = []
        for i in range(12):
            path = folder / "cut"
            path.write_bytes(content[: len(content) * i // 12])
            done = leat("predict", path, rows=b"")
            if not (refused_in_a_line(done) or (done.returncode == 0 and done.stderr == b"")):
                bad.append((i, done))
        check(f"{name}, cut off anywhere, is refused in one line or whole", not bad, bad)


def main():
    for test in (test_shared_splits, test_control_characters, test_half_a_split, test_class_names, test_other_libraries,
                 test_cut_files):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            test(Path(folder))


main()
