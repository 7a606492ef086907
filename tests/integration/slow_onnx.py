#!/usr/bin/env python3
"""Estimators converted to ONNX score as ONNX Runtime scores them, and as scikit-learn does where the converter is right.

LEAT_ONNX_ONLY picks cases by a part of their name; LEAT_ONNX_TABLE=1 prints what became of each.
"""
# requires: numpy pandas scikit-learn skl2onnx onnxmltools onnx onnxruntime xgboost-cpu lightgbm catboost
# timeout: 3600

import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEAT = os.environ.get("LEAT", ROOT / "build/leat")
ONLY = os.environ.get("LEAT_ONNX_ONLY", "")
TABLE = os.environ.get("LEAT_ONNX_TABLE")

sys.path.insert(0, str(ROOT / "tests/data/models"))
import make_onnx  # noqa: E402
import numpy as np  # noqa: E402

# Not taken by leat itself, and why: a refusal with this in its text. With ONNX Runtime's library they run there.
REFUSED = {
    "runtime-lstm": "LSTM (1 of 5)",
    "runtime-conv": "Conv",
    "imputer-neighbors": "does not run here: how much comes out",
}

# Where the converter's graph is not what scikit-learn computes; ONNX Runtime and leat agree on it.
CONVERTER = {
    "histogram-poisson": "the exponential is left out",
    "forest-missing": "trees of scikit-learn that were trained with missing values: their direction is not converted",
    "normalizer-max": "scikit-learn divides by the largest absolute value",
    "imputer-indicator": "the indicator's columns are left out",
    "calibrated-isotonic": "steps of an isotonic regression are taken otherwise",
    "columns-boosting": "a float where scikit-learn has a double falls on the other side of a threshold",
    "neighbors-classifier": "neighbours at the same distance are taken in another order",
    "neighbors-regressor": "neighbours at the same distance are taken in another order",
    "neighbors-distance": "weights of neighbours at distance 0",
    "lightgbm-forest": "random forests of LightGBM are summed, not averaged",
}


def number(value):
    return math.nan if value is None else float(value)


def near(expected, got, tolerance):
    expected, got = number(expected), number(got)
    if expected == got or (math.isnan(expected) and math.isnan(got)):
        return True
    return abs(expected - got) <= tolerance * max(1.0, abs(expected))


def library():
    import onnxruntime

    return str(next(Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so*")))


def predict(case, folder, runtime="/nowhere/libonnxruntime.so"):
    model = folder / "model.onnx"
    model.write_bytes(case.model.SerializeToString())
    rows = len(next(iter(case.inputs.values())))
    given = "".join(json.dumps(make_onnx.row_of(case, row)) + "\n" for row in range(rows))
    env = dict(os.environ, LEAT_ONNXRUNTIME=runtime)
    ran = subprocess.run([LEAT, "model", "predict", model], input=given, capture_output=True, text=True, check=False, env=env)
    if ran.returncode != 0:
        return None, ran.stderr.strip()
    return [json.loads(line) for line in ran.stdout.splitlines()], ""


def against_runtime(case, answers, expected):
    tolerance = 1e-12 if make_onnx.is_double(case) else 1e-5
    for row, ((out, label), answer) in enumerate(zip(expected, answers), 1):
        wanted = out if out else [float(x) for x in label] if not isinstance(label[0], str) else []
        got = [number(v) for v in answer["out"]]
        if wanted and (len(wanted) != len(got) or not all(near(e, g, tolerance) for e, g in zip(wanted, got))):
            if out or "label" not in answer:
                return f"row {row}: ONNX Runtime gives {wanted}, leat {got}; {make_onnx.row_of(case, row - 1)}"
        if len(label) == 1 and "label" in answer and str(answer["label"]) != str(label[0]):
            return f"row {row}: ONNX Runtime's label is {label[0]}, leat's {answer['label']}; {out} {make_onnx.row_of(case, row - 1)}"
    return None


def against_trainer(case, expected):
    """Does what ONNX Runtime gives (and leat with it) agree with the trainer's own answer?"""
    if case.truth is None:
        return None
    worst = 0
    for row, (out, label) in enumerate(expected):
        if "out" in case.truth and out:
            wanted = np.ravel(case.truth["out"][row]).tolist()
        elif "value" in case.truth:
            value = np.ravel(case.truth["value"][row]).tolist()
            if isinstance(value[0], str) or (label and len(value) == 1):
                if str(label[0]) != str(value[0]):
                    worst += 1
                continue
            wanted = value
        else:
            continue
        if len(wanted) > len(out) or not all(near(e, g, 1e-4) for e, g in zip(wanted, out)):
            worst += 1
    return f"{worst} of {len(expected)} rows" if worst else None


def judge_alone(case, answers, error):
    """ONNX Runtime does not take the graph: leat does not either, or it gives what the trainer gives."""
    if answers is None or all(math.isnan(number(v)) for a in answers for v in a["out"]):
        return "not converted", f"ONNX Runtime: {error}"
    unlike = against_trainer(case, [([number(v) for v in a["out"]], [a["label"]] if "label" in a else []) for a in answers])
    return ("wrong", f"not as the trainer: {unlike}; ONNX Runtime: {error}") if unlike else ("done alone", error)


def judge(name, make, folder):
    """('done' | 'refused' | 'wrong' | 'not converted' | 'converter', why)"""
    try:
        case = make()
    except Exception as error:  # whatever a converter throws
        return "not converted", f"{type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}"
    answers, refusal = predict(case, folder)
    try:
        expected = make_onnx.answers(case)
    except Exception as error:
        return judge_alone(case, answers, str(error)[:100])
    if answers is None:
        answers, trouble = predict(case, folder, library())
        difference = against_runtime(case, answers, expected) if answers else trouble
        return ("wrong", f"in ONNX Runtime: {difference}") if difference else ("refused", refusal)
    difference = against_runtime(case, answers, expected)
    if difference:
        return "wrong", difference
    unlike = against_trainer(case, expected)
    return ("converter", unlike) if unlike else ("done", "")


def as_expected(name, verdict, why):
    if verdict == "refused":
        return name in REFUSED and REFUSED[name] in why
    if verdict == "converter":
        return name in CONVERTER
    return verdict != "wrong" and name not in REFUSED


def main():
    counts = {}
    failed = 0
    for name, make in make_onnx.all_cases().items():
        if ONLY not in name:
            continue
        with tempfile.TemporaryDirectory(prefix="leat-onnx-") as folder:
            verdict, why = judge(name, make, Path(folder))
        counts[verdict] = counts.get(verdict, 0) + 1
        good = as_expected(name, verdict, why)
        failed += not good
        if TABLE or not good:
            print(f"# {name}: {verdict} {why}")
        print(f"{'ok' if good else 'not ok'} {name} scores as ONNX Runtime does, or is refused as told ({verdict})", flush=True)
    print(f"# {counts}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
