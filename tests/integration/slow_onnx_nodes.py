#!/usr/bin/env python3
"""The onnx package's own tests of every operator that leat claims, through `leat model predict --tensors`.

What is claimed stands in docs/reference/onnx-operators.md, which the program makes from its tables. A case of claimed
operators must pass, with the tolerance of onnx's own runner for floats and none for the rest. The one way out is a
type that leat does not hold: then it must be refused with that reason. LEAT_ONNX_CASES is part of a name, for some.
"""
# requires: onnx numpy
# timeout: 3000

import json
import os
import re
import subprocess
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnx
import onnx.numpy_helper
from onnx.backend.test.loader import load_model_tests

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
ONLY = os.environ.get("LEAT_ONNX_CASES", "")

# Reasons that are about the types and not about the operator.
NOT_HELD = [
    # Not an operator of inference: what comes out is random, or belongs to training.
    r"dropout as in training is random",
    r"normalisation as in training",
    r"of type (float16|bfloat16|float8\w+|float4\w+|float6\w+|complex64|complex128|u?int[24])\b",
    r"type (float16|bfloat16|float8\w+|float4\w+|complex64|complex128|u?int[24])\b",
    r"input '\w+' is (a sequence|a map|neither a tensor nor a sequence)",
    r"type a type that is not known",
]


def claimed_operators():
    """(domain, operator) → [(since, until)]"""
    claimed = defaultdict(list)
    page = (ROOT / "docs/reference/onnx-operators.md").read_text()
    for name, domain, since, until in re.findall(r"^\| `(\w+)` \| ([\w.]+) \| (\d+)(?: to (\d+)| and later) \|$", page, re.M):
        claimed["" if domain == "ai.onnx" else domain, name].append((int(since), int(until or 1 << 31)))
    return claimed


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from nodes_of(inner)


def unclaimed(model, claimed):
    """Operators of a model that are not in the tables."""
    names = set()
    functions = {(function.domain, function.name): function for function in model.functions}

    def look(nodes, opsets):
        for node in nodes:
            domain = "" if node.domain == "ai.onnx" else node.domain
            function = functions.pop((node.domain, node.op_type), None)
            if function is not None:
                look(function.node, {o.domain: o.version for o in function.opset_import})
            elif (node.domain, node.op_type) not in called and not any(
                since <= opsets.get(domain, 1 << 30) <= until for since, until in claimed[domain, node.op_type]
            ):
                names.add(node.op_type)

    called = set(functions)
    look(nodes_of(model.graph), {o.domain: o.version for o in model.opset_import})
    return names


HELD = "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool".split()


class NotHeld(Exception):
    """A value that has no form as JSON here."""


def json_of(value):
    """Nested lists as leat reads them."""
    if isinstance(value, onnx.TensorProto):
        value = onnx.numpy_helper.to_array(value)
    if value is None or isinstance(value, (list, dict)) or not isinstance(value, (np.ndarray, np.generic)):
        raise NotHeld(f"a {type(value).__name__}")
    value = np.asarray(value)
    if value.dtype.name not in HELD and value.dtype.kind not in "OSU":
        raise NotHeld(value.dtype.name)
    if value.dtype.kind in "OSU":
        texts = [x.decode("utf-8") if isinstance(x, bytes) else str(x) for x in value.ravel()]
        return np.array(texts, dtype=object).reshape(value.shape).tolist()
    if value.dtype in (np.float32, np.float64):
        listed = value.astype(object)
        flat = [x if np.isfinite(x) else str(x).replace("nan", "NaN").replace("inf", "Infinity") for x in value.ravel().tolist()]
        listed = np.empty(value.size, dtype=object)
        listed[:] = flat
        return listed.reshape(value.shape).tolist()
    if value.dtype == np.uint64:
        return np.array([str(x) for x in value.ravel().tolist()], dtype=object).reshape(value.shape).tolist()
    return value.tolist()


def flat(node):
    if isinstance(node, list):
        return [x for item in node for x in flat(item)]
    return [node]


def shape(node):
    dims = []
    while isinstance(node, list):
        dims.append(len(node))
        if not node:
            break
        node = node[0]
    return dims


def visible(dims):
    """What nested lists show of a shape: nothing behind a dimension of 0."""
    return list(dims[: dims.index(0) + 1]) if 0 in dims else list(dims)


def difference(expected, got, rtol, atol):
    """What differs, or None."""
    if isinstance(expected, onnx.TensorProto):
        expected = onnx.numpy_helper.to_array(expected)
    expected = np.asarray(expected)
    if shape(got) != visible(expected.shape):
        return f"shape {shape(got)} where {list(expected.shape)} is expected"
    values = flat(got)
    if expected.dtype.kind in "OSU":
        texts = [x.decode("utf-8") if isinstance(x, bytes) else str(x) for x in expected.ravel()]
        return None if texts == values else f"{values[:5]} where {texts[:5]} is expected"
    if expected.dtype.kind in "iub":
        kind = bool if expected.dtype.kind == "b" else int
        if any(type(x) is not kind for x in values) or values != expected.ravel().tolist():
            return f"{values[:5]} where {expected.ravel()[:5]} is expected"
        return None
    if any(isinstance(x, bool) or (isinstance(x, str) and x not in ("NaN", "Infinity", "-Infinity")) for x in values):
        return f"{values[:5]}: not numbers"
    ours = np.array([float(x) for x in values], dtype=expected.dtype).reshape(expected.shape)
    try:
        np.testing.assert_allclose(ours, expected, rtol=rtol, atol=atol)
    except AssertionError as error:
        return " ".join(str(error).split())[:300]
    return None


def run_case(case, folder):
    """Returns None, ("not held", why) or ("wrong", why)."""
    path = Path(folder) / "model.onnx"
    path.write_bytes(case.model.SerializeToString())
    lines = []
    names = [value.name for value in case.model.graph.input]
    for inputs, _ in case.data_sets:
        try:
            lines.append(json.dumps({name: json_of(value) for name, value in zip(names, inputs)}))
        except (NotHeld, UnicodeDecodeError) as error:
            lines.append("{}")  # the refusal is that of the type
    ran = subprocess.run(
        [LEAT, "model", "predict", path, "--tensors"], input="\n".join(lines) + "\n", capture_output=True, text=True, check=False, timeout=120
    )
    if ran.returncode != 0:
        reason = ran.stderr.strip().replace(str(path), "FILE")
        kind = "not held" if ran.returncode == 1 and any(re.search(p, reason) for p in NOT_HELD) else "wrong"
        return kind, reason[:400] or f"exit code {ran.returncode}"
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    if len(answers) != len(case.data_sets):
        return "wrong", f"{len(answers)} answers to {len(case.data_sets)} lines"
    for answer, (_, outputs) in zip(answers, case.data_sets):
        for value, expected in zip(case.model.graph.output, outputs):
            why = difference(expected, answer[value.name], case.rtol, case.atol)
            if why:
                return "wrong", f"{value.name}: {why}"
    return None


def main():
    warnings.simplefilter("ignore")
    claimed = claimed_operators()
    tried = Counter()
    passed, failed, others = 0, 0, Counter()
    reasons = defaultdict(Counter)
    with tempfile.TemporaryDirectory() as folder:
        for case in load_model_tests(kind="node"):
            if ONLY not in case.name:
                continue
            missing = unclaimed(case.model, claimed)
            if missing:
                others.update(missing)
                continue
            tried.update({node.op_type for node in nodes_of(case.model.graph)})
            result = run_case(case, folder)
            if result is None:
                passed += 1
                print(f"ok {case.name}")
            elif result[0] == "not held":
                type_name = re.search(r"\b(float16|bfloat16|float8\w+|float4\w+|complex\d+|u?int[24]\b|sequence|map|training)", result[1])
                reasons[type_name.group(1)][case.model.graph.node[-1].op_type] += 1
            else:
                failed += 1
                print(f"not ok {case.name}")
                print(f"# {case.name}: {result[1]}")
    for why, operators in sorted(reasons.items()):
        print(f"# not claimed, {why}: " + ", ".join(f"{name} ({count})" for name, count in sorted(operators.items())))
    print("# operators that leat does not run: " + ", ".join(f"{name} ({count})" for name, count in sorted(others.items())))
    if not ONLY:
        untested = sorted(name for (_, name) in claimed if name not in tried and claimed[_, name])
        print("# claimed operators without a test of the onnx package: " + ", ".join(untested))
        enough = passed > 900
        print(f"{'ok' if enough else 'not ok'} enough of the onnx package's tests are of operators that leat claims ({passed})")
        failed += not enough
    not_held = sum(sum(operators.values()) for operators in reasons.values())
    print(f"# onnx {onnx.__version__}: {passed} passed, {failed} failed, {not_held} of types that are not held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
