#!/usr/bin/env python3
"""leat model add from folders, diff, and what is refused: over models that are checked in."""
# timeout: 60

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(os.environ["LEAT_ROOT"])
LEAT = os.environ["LEAT"]
MODELS = ROOT / "tests/data/models"
MLFLOW = ROOT / "tests/data/mlflow"


def check(name, good, why=""):
    print(f"{'ok' if good else 'not ok'} {name}", flush=True)
    for line in [] if good else str(why).splitlines()[-30:]:
        print(f"# {line}")


def leat(*arguments, rows=None):
    return subprocess.run([LEAT, "model", *map(str, arguments)], text=True, capture_output=True, check=False, input=rows)


def said(done):
    return f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"


def parity_of(model, folder, names=None):
    """The trainer's rows beside a checked-in model, with the features by name when names are given."""
    path = folder / "parity.jsonl"
    with open(path, "w") as file:
        for line in (MODELS / f"{model}.rows.jsonl").read_text().splitlines():
            row = json.loads(line)
            features = dict(zip(names, row["features"])) if names else row["features"]
            print(json.dumps({"features": features, "score": row["score"]}), file=file)
    return path


def test_mlflow(work):
    registry = work / "mlflow-registry"
    for flavor in ("xgboost", "lightgbm"):
        done = leat("add", flavor, MLFLOW / flavor, "--from", "mlflow", "--registry", registry)
        good = done.returncode == 0 and "takes the 5 rows of the input example" in done.stderr
        check(f"a model folder of MLflow is added, and its input example fits ({flavor})", good, said(done))
        shown = leat("show", flavor, "--json", "--registry", registry)
        version = json.loads(shown.stdout) if shown.returncode == 0 else {}
        check(
            f"the version has the signature's names and a note of where it is from ({flavor})",
            version.get("features") == ["amount", "age", "hour"] and version.get("note", "").startswith("MLflow"),
            said(shown),
        )
    done = leat("add", "plain", MLFLOW / "xgboost", "--registry", registry)
    check("a folder of MLflow is told apart without --from", done.returncode == 0, said(done))
    done = leat("add", "plain", work, "--from", "mlflow", "--registry", registry)
    check("--from mlflow on another folder is refused", done.returncode == 1 and "no MLmodel" in done.stderr, said(done))

    def refused(name, change, says):
        folder = work / "changed"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(MLFLOW / "xgboost", folder)
        text = (folder / "MLmodel").read_text()
        (folder / "MLmodel").write_text(change(text))
        done = leat("add", "changed", folder, "--from", "mlflow", "--registry", registry)
        check(name, done.returncode == 1 and says in done.stderr, said(done))

    refused(
        "a pickle is never loaded",
        lambda text: text.replace("data: model.ubj\n    model_class", "data: model.pkl\n    model_class"),
        "which is code and never loaded",
    )
    refused(
        "a path that leads out of the folder is not followed",
        lambda text: text.replace("data: model.ubj\n    model_class", "data: ../model.ubj\n    model_class"),
        "does not name a file of the folder",
    )
    folder = work / "catboost"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors:\n  catboost:\n    data: model.cb\n    save_format: json\n")
    shutil.copy(MODELS / "catboost/catboost-1.2.10-depthwise.json", folder / "model.cb")
    done = leat("add", "cat", folder, "--from", "mlflow", "--registry", registry)
    check("a CatBoost model that MLflow saved as JSON is added", done.returncode == 0, said(done))
    (folder / "model.cb").write_bytes(b"CBM1" + bytes(100))
    done = leat("add", "cat", folder, "--from", "mlflow", "--registry", registry)
    check("one in CatBoost's own format is refused, with what to do",
          done.returncode == 1 and 'format="json"' in done.stderr, said(done))
    link = work / "linked"
    shutil.copytree(MLFLOW / "xgboost", link)
    (link / "model.ubj").unlink()
    (link / "model.ubj").symlink_to(MLFLOW / "xgboost/model.ubj")
    done = leat("add", "linked", link, "--from", "mlflow", "--registry", registry)
    check("nor is a link", done.returncode == 1 and "a link that leads out of its folder" in done.stderr, said(done))
    refused(
        "a flavour that is not read is refused with those that are",
        lambda text: text.replace("  xgboost:\n", "  sklearn:\n"),
        "xgboost, lightgbm, catboost and onnx are read",
    )
    refused("an MLmodel that is not YAML is refused with its place", lambda text: "flavors: {", "MLmodel:2")
    refused("an empty MLmodel is refused", lambda text: "", "has the flavours (none)")


def test_export(work):
    registry = work / "export-registry"
    folder = work / "export"
    folder.mkdir()
    names = list("abcdef")
    shutil.copy(MODELS / "lightgbm-3.3-multiclass.txt", folder / "model.txt")
    parity_of("lightgbm-3.3-multiclass", folder)
    meta = {"trained_at": "2026-10-01T00:00:00Z", "metrics": {"auc": 0.9}, "threshold": 0.4, "note": "by hand"}
    classes = ["red", "green", "blue"]
    (folder / "leat.json").write_text(json.dumps({**meta, "classes": classes, "features": None, "rounds": None}))
    done = leat("add", "paint", folder, "--registry", registry)
    check("an exported folder is added with its parity rows", done.returncode == 0 and "unverified" not in done.stdout,
          said(done))
    shown = leat("show", "paint", "--json", "--registry", registry)
    version = json.loads(shown.stdout) if shown.returncode == 0 else {}
    good = version.get("threshold") == 0.4 and version.get("metrics") == {"auc": 0.9} and version.get("note") == "by hand"
    check("what its leat.json says is part of the version", good, said(shown))
    check("and so are the classes", version.get("class_names") == classes, said(shown))
    written = json.loads((registry / "paint/1/version.json").read_text())
    check("classes are written down as they were told", written.get("classes") == classes, written)
    (folder / "leat.json").write_text(json.dumps({**meta, "classes": ["red", "green"]}))
    done = leat("add", "paint", folder, "--registry", registry)
    check("class names that are not as many as the classes are refused",
          done.returncode == 1 and "2 class names are told, but the model has 3 classes" in done.stderr, said(done))
    (folder / "leat.json").write_text(json.dumps({"rounds": 0}))
    done = leat("add", "paint", folder, "--registry", registry)
    check("rounds of 0 are refused", done.returncode == 2 and "rounds is a whole number from 1" in done.stderr, said(done))
    (folder / "leat.json").unlink()
    shutil.copy(MODELS / "xgboost-1.7-binary.json", folder / "model.json")
    for action in (("add", "paint", folder, "--registry", registry), ("predict", folder)):
        done = leat(*action)
        check(f"a folder with two models is refused with both ({action[0]})",
              done.returncode == 1 and "model.json" in done.stderr and "model.txt" in done.stderr, said(done))
    (folder / "model.json").unlink()
    (folder / "model.txt").unlink()
    done = leat("add", "paint", folder, "--registry", registry)
    check("a folder without a model says what was looked for",
          done.returncode == 1 and "model.json, model.ubj, model.txt or model.onnx" in done.stderr, said(done))


def test_diff(work):
    registry = work / "diff-registry"
    parity = parity_of("lightgbm-3.3-binary", work)
    binary = MODELS / "lightgbm-3.3-binary.txt"
    leat("add", "m", binary, "--parity", parity, "--metric", "auc=0.9", "--registry", registry)
    leat("add", "m", binary, "--metric", "auc=0.92", "--metric", "f1=0.5", "--registry", registry)
    leat("add", "m", MODELS / "lightgbm-3.3-dart.txt", "--features", "a,b,c,d,e,g", "--registry", registry)
    done = leat("diff", "m", 1, 2, "--registry", registry)
    rows = sum(1 for line in parity.read_text().splitlines() if line)
    good = done.returncode == 0 and f"rows of m/1: {rows}; the scores differ by 0 on average" in done.stdout
    check("two versions of one file score alike", good, said(done))
    stars = {line.split()[0] for line in done.stdout.splitlines() if line.endswith("  *")}
    check("what is not the same has a star", {"metric", "digest"} <= stars and "format" not in stars, said(done))
    done = leat("diff", "m/1", "m/3", "--json", "--registry", registry)
    told = json.loads(done.stdout) if done.returncode == 0 else {}
    check("names that only one has are listed", told.get("features_only", [[], []])[1] == list("abcdeg"), said(done))
    for number, feature in enumerate("yz"):
        model = {"leat_model": "linear", "features": {"x": 1, feature: 2 + number}}
        (work / "linear.json").write_text(json.dumps(model))
        (work / "linear.jsonl").write_text('{"features": {"x": 1, "%s": 1}, "score": %d}\n' % (feature, 3 + number))
        leat("add", "linear", work / "linear.json", "--parity", work / "linear.jsonl", "--registry", registry)
    done = leat("diff", "linear", 1, 2, "--json", "--registry", registry)
    told = json.loads(done.stdout, parse_constant=lambda word: word) if done.returncode == 0 else {}
    check("a row that one of them has no score for is not in the mean",
          told.get("rows_of") == {"version": "linear/2", "rows": 1, "unscored": 1, "mean_difference": 0,
                                  "largest_difference": 0, "line": 0}, said(done))
    row = json.loads((MODELS / "onnx/linear-regression.rows.jsonl").read_text().splitlines()[0])
    (work / "graph.jsonl").write_text(json.dumps({"features": {"X": row["features"]}, "score": row["out"]}) + "\n")
    for _ in range(2):
        done = leat("add", "graph", MODELS / "onnx/linear-regression.onnx", "--parity", work / "graph.jsonl",
                    "--registry", registry)
    check("a graph's row may name its input", done.returncode == 0, said(done))
    done = leat("diff", "graph", 1, 2, "--registry", registry)
    check("and so it is compared", "rows of graph/2: 1; the scores differ by 0 on average" in done.stdout, said(done))
    done = leat("diff", "graph", "linear", "--registry", registry)
    check("without a name in common scores are not compared",
          done.returncode == 0 and "no feature in common" in done.stdout and "rows of" not in done.stdout, said(done))
    done = leat("diff", "m", "linear/1", "--registry", registry)
    lines = done.stdout.splitlines()
    check("a name alone is its newest version", bool(lines) and "m/3" in lines[0] and "linear/1" in lines[0], said(done))
    kernel = leat("show", "linear", "1", "--json", "--registry", registry)
    kernel = json.loads(kernel.stdout)["kernel"] if kernel.returncode == 0 else "-"
    at = {line.find(text) for line, text in zip([lines[0], next(line for line in lines if line.startswith("kernel"))],
                                                ["linear/1", kernel])} if lines else set()
    check("the columns are straight", len(at) == 1, said(done))
    done = leat("diff", "m", "nobody", "--registry", registry)
    check("a name that is not there is a finding",
          done.returncode == 1 and "there is no model 'nobody'" in done.stderr, said(done))
    done = leat("diff", "m", 1, "--registry", registry)
    check("a version without a number is wrong usage", done.returncode == 2 and "NAME/NUMBER" in done.stderr, said(done))
    done = leat("diff", "m", 1, 9, "--registry", registry)
    check("a version that is not there is a finding", done.returncode == 1 and "has no version 9" in done.stderr, said(done))


def test_predict(work):
    folder = work / "predict"
    folder.mkdir()
    shutil.copy(MODELS / "lightgbm-3.3-multiclass.txt", folder / "model.txt")
    (folder / "leat.json").write_text(json.dumps({"classes": ["red", "green", "blue"]}))
    row = json.loads((MODELS / "lightgbm-3.3-multiclass.rows.jsonl").read_text().splitlines()[0])
    done = leat("predict", folder, rows=json.dumps(row["features"]))
    told = json.loads(done.stdout) if done.returncode == 0 else {}
    best = row["score"].index(max(row["score"]))
    check("a folder is scored, and its classes have their names",
          told.get("label") == ["red", "green", "blue"][best] and told.get("out") == row["score"], said(done))
    done = leat("predict", MLFLOW / "xgboost", rows='{"amount": 1, "age": 2, "hour": 3}')
    check("and one of MLflow's, by its signature's names", done.returncode == 0 and done.stderr == "", said(done))

    early = MODELS / "xgboost-2.1-best-rounds-3.json"
    row = json.loads((MODELS / "xgboost-2.1-best-rounds-3.rows.jsonl").read_text().splitlines()[0])
    named = json.dumps(dict(zip("uvwxyz", row["features"])))
    done = leat("predict", early, "--features", "u,v,w,x,y,z", rows=named)
    check("names may be told of a file without", done.returncode == 0, said(done))
    check("where training stopped early it is said how many rounds count",
          "its best round was 3 of 5; scikit-learn's predict uses the first 3 (--rounds 3)" in done.stderr, said(done))
    told = json.loads(leat("predict", early, "--features", "u,v,w,x,y,z", "--rounds", 3, rows=named).stdout or "{}")
    check("and with so many the scores are the trainer's", [float(f"{x:.9g}") for x in row["score"]] == told.get("out"), told)
    done = leat("predict", early, "--rounds", 3, rows="")
    check("rounds that are told need no word", done.returncode == 0 and done.stderr == "", said(done))
    done = leat("predict", early, "--features", "u,v", rows=named)
    check("too few names are refused", done.returncode == 1 and "2 features are given, but the model has 6" in done.stderr,
          said(done))
    names = "Column_1,Column_0,Column_2,Column_3,Column_4,Column_5"
    done = leat("predict", MODELS / "lightgbm-3.3-binary.txt", "--features", names, rows="")
    check("a file's own names in another order are refused", done.returncode == 1 and "in another order" in done.stderr,
          said(done))
    for model in ("1.4", "1.7"):
        done = leat("predict", MODELS / f"xgboost-{model}-best-rounds-1.json", rows="")
        check(f"early stopping is noticed in files of XGBoost {model}, too", "first 1 (--rounds 1)" in done.stderr, said(done))
    registry = work / "predict-registry"
    done = leat("add", "early", early, "--registry", registry)
    check("add says so, too", done.returncode == 0 and "(--rounds 3)" in done.stderr, said(done))
    done = leat("predict", MODELS / "onnx/logistic-texts.onnx", rows="[NaN, 1, 1, 1, 1, 1]")
    check("without an answer there is no label", '"label": null' in done.stdout, said(done))


def test_show(work):
    registry = work / "show-registry"
    graph = MODELS / "onnx/mlp-regressor.onnx"
    leat("add", "graph", graph, "--registry", registry)
    done = leat("show", "graph", "--registry", registry)
    check("what needs parity rows to be explained says so",
          "explained   no: occlusion needs parity rows" in done.stdout, said(done))
    done = leat("show", "graph", "--json", "--registry", registry)
    check("and its JSON has no way to explain", done.returncode == 0 and "explanation" not in json.loads(done.stdout),
          said(done))


def main():
    with tempfile.TemporaryDirectory() as folder:
        test_mlflow(Path(folder))
        test_export(Path(folder))
        test_diff(Path(folder))
        test_predict(Path(folder))
        test_show(Path(folder))


main()
