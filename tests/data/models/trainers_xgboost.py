"""XGBoost's models for the tests: see trainers.py, which this is a part of."""

import json

from trainers import awkward_rows, data, write_rows


def xgboost_thresholds(path):
    model = json.loads(path.read_text())["learner"]["gradient_booster"]
    model = model.get("gbtree", model)["model"]
    found = {}
    for tree in model.get("trees", []):
        for left, feature, value in zip(tree["left_children"], tree["split_indices"], tree["split_conditions"]):
            if left != -1 and value is not None:
                found.setdefault(feature, []).append(float(value))
    return found


def xgboost_version():
    import xgboost

    return tuple(int(part) for part in xgboost.__version__.split(".")[:2])


def xgboost_labels(rng, objective, params, signal):
    import numpy as np

    noisy = signal + rng.normal(size=len(signal)) * 0.5
    if objective.startswith("multi:"):
        classes = params["num_class"]
        return np.digitize(noisy, np.quantile(noisy, np.arange(1, classes) / classes))
    if objective.startswith("binary:") or objective == "reg:logistic":
        return (noisy > 0.3).astype(float)
    if objective.startswith("rank:"):
        return (np.digitize(noisy, [0, 1]) if objective != "rank:map" else noisy > 0).astype(float)
    if objective in ("count:poisson", "reg:gamma", "reg:tweedie", "survival:cox", "reg:squaredlogerror"):
        return np.round(np.exp(np.clip(noisy, -2, 2)) + 1)
    return noisy


CODES = [0.0, 1.0, 2.0, 5.0, 31.0, 32.0, 39.0, 40.0, 63.0, 64.0, 1e6, 1e9, -1.0, -0.5, -0.0, 3.7, 0.9]
CODES += [16777215.0, 16777216.0, 16777217.0, 3e38, -3e38, 1e-40, float("nan")]
TEXTS = ["red", "green", "", "x y", "a\"b", "long " * 60, "Z"]
TEXTS_NEW = TEXTS + ["länge", "日本"]  # before 3.4 cut short
NUMBERS = [700, -3, 0, 16777217, 5, 2147483648, -9007199254740991, 1, 16777216]


def matrix_of(x, categories=(), texts=None, **options):
    """What the trainer reads, and the rows as they are written: codes, or with `texts` a text and a number column."""
    import xgboost

    if texts:
        import pandas

        columns = {f"f{c}": x[:, c] for c in range(x.shape[1])}
        for column, table in zip(categories, (texts, NUMBERS)):
            codes = x[:, column].astype(int)
            columns[f"f{column}"] = pandas.Categorical([table[c] if c >= 0 else None for c in codes])
        frame = pandas.DataFrame(columns)
        rows = [[None if pandas.isna(v) else v for v in row] for row in frame.astype(object).values.tolist()]
        return xgboost.DMatrix(frame, enable_categorical=True, **options), rows
    if categories:
        types = ["c" if c in categories else "q" for c in range(x.shape[1])]
        options.update(feature_types=types, enable_categorical=True)
    return xgboost.DMatrix(x, **options), x


def train_xgboost(out, name, rng, params, rounds, rows=400, columns=6, missing=0.1, labels=None, names=None, test_rows=40,
                  categories=(), texts=None, binary=False, stop=False):
    """`stop`: training ends early, and the answers are of the best rounds only, whose number the name tells."""
    import numpy as np
    import xgboost

    x, signal = data(rng, rows, columns, missing)
    for c in categories:
        x[:, c] = rng.integers(0, len(texts) if texts else 40, size=rows)
        signal = signal + (x[:, c] % 3 == 1)
    objective = params["objective"]
    y = labels(signal) if labels else xgboost_labels(rng, objective, params, signal)
    train, _ = matrix_of(x, categories, texts, label=None if objective == "survival:aft" else y, feature_names=names)
    if objective.startswith("rank:"):
        train.set_group([20] * (rows // 20))
    if objective == "survival:aft":
        train.set_float_info("label_lower_bound", np.exp(np.clip(y, -2, 2)))
        train.set_float_info("label_upper_bound", np.exp(np.clip(y, -2, 2)) + 1)
    params = {"verbosity": 0, "nthread": 1, "seed": 7, "tree_method": "hist", **params}
    if params.get("booster") == "gblinear":
        params.pop("tree_method")
        params["updater"] = "coord_descent"
    watched = {}
    if stop:
        noise = xgboost.DMatrix(x[:100], feature_names=names, label=np.where(rng.random(100) < 0.9, rng.permutation(y[:100]), y[:100]))
        watched = {"evals": [(train, "train"), (noise, "noise")], "early_stopping_rounds": 2, "verbose_eval": False}
    model = xgboost.train(params, train, num_boost_round=rounds, **watched)
    best = {}
    if stop:
        name += f"-rounds-{model.best_iteration + 1}"
        limit = {"ntree_limit": getattr(model, "best_ntree_limit", 0)}
        best = limit if xgboost_version() < (1, 4) else {"iteration_range": (0, model.best_iteration + 1)}
    path = out / f"{name}.json"
    model.save_model(str(path))
    try:
        thresholds = xgboost_thresholds(path)
    except ValueError:  # 1.0 writes `-nan` for a tree without data, which is no JSON and which it can not read back
        path.unlink()
        return False
    if binary:
        path.unlink()
        model.save_model(str(path.with_suffix(".ubj")))
    test = awkward_rows(rng, x, thresholds, test_rows, False)
    for c in categories:
        codes = [*range(len(texts)), -1] if texts else CODES
        test[:, c] = [codes[rng.integers(0, len(codes))] for _ in range(test_rows)]
    matrix, written = matrix_of(test, categories, texts, feature_names=names)
    score, raw = model.predict(matrix, **best), model.predict(matrix, output_margin=True, **best)
    write_rows(out / f"{name}.rows.jsonl", written, score, raw)
    return True


def small_xgboost(out):
    import numpy as np

    version = xgboost_version()
    prefix = "xgboost-{}.{}-".format(*version)
    newest = version == (3, 2)

    def case(name, objective, rounds=4, **options):
        nonlocal seed
        seed += 1
        keys = ("rows", "columns", "missing", "labels", "names", "test_rows", "categories", "texts", "binary", "stop")
        training = {key: options.pop(key) for key in keys if key in options}
        params = {"objective": objective, "max_depth": 3, **options}
        train_xgboost(out, prefix + name, np.random.default_rng(seed), params, rounds, **training)

    squared = "reg:squarederror"
    seed = 1000
    small_newer(case, version)
    seed = 0
    if version in ((1, 6), (3, 3)):
        return
    if version == (3, 4):
        case("expectileerror", "reg:expectileerror", rounds=3, expectile_alpha=[0.1, 0.5, 0.9])
        return
    case("binary", "binary:logistic")
    case("binary-base", "binary:logistic", base_score=0.9, rounds=2, test_rows=12)
    case("softprob", "multi:softprob", num_class=3)
    case("squarederror", squared, max_depth=4)
    case("dart", "binary:logistic", booster="dart", rate_drop=0.5, rounds=6)
    case("forest", squared, num_parallel_tree=3, subsample=0.6, rounds=2)
    case("linear", "multi:softprob", booster="gblinear", num_class=3)
    case("logitraw", "binary:logitraw", base_score=0.3, rounds=2, test_rows=12)
    case("leaves-only", squared, gamma=1e9, rounds=2, test_rows=8)
    if not newest and version != (1, 7):
        return
    case("softmax", "multi:softmax", num_class=4, rounds=2)
    case("lossguide", squared, grow_policy="lossguide", max_leaves=14, max_depth=0, rounds=2)
    case("pruned", squared, gamma=60, max_depth=5, tree_method="exact", rounds=3)
    case("no-missing", "binary:logistic", missing=0, names=["amount", "count_24h", "länge", "a b", "e=f", "g"])
    if not newest:
        return
    case("logistic", "reg:logistic", rounds=3)
    case("hinge", "binary:hinge", rounds=3)
    case("poisson", "count:poisson", rounds=3)
    case("gamma", "reg:gamma", rounds=3)
    case("tweedie", "reg:tweedie", rounds=3, tweedie_variance_power=1.4)
    case("cox", "survival:cox", rounds=3)
    case("aft", "survival:aft", rounds=3)
    case("squaredlogerror", "reg:squaredlogerror", rounds=3)
    case("pseudohubererror", "reg:pseudohubererror", rounds=3)
    case("absoluteerror", "reg:absoluteerror", rounds=3)
    case("quantileerror", "reg:quantileerror", rounds=3, quantile_alpha=[0.1, 0.5, 0.9])
    case("rank-pairwise", "rank:pairwise", rounds=3)
    case("rank-ndcg", "rank:ndcg", rounds=3)
    case("rank-map", "rank:map", rounds=3)
    case("targets", squared, rounds=3, labels=lambda s: np.stack([s, -s + 1, s * s], axis=1))
    case("labels", "binary:logistic", rounds=3, labels=lambda s: np.stack([s > 0, s > 1], axis=1).astype(float))
    case("one-class", "binary:logistic", rounds=2, labels=lambda s: np.zeros(len(s)), test_rows=8)
    case("wide", squared, columns=40, max_depth=6, rounds=3, test_rows=20)


def three_targets(signal):
    import numpy as np

    return np.stack([signal, -signal + 1, signal * signal], axis=1)


def small_newer(case, version):
    """What the oldest version that has it and the newest ones do, and the layouts of each version between."""
    squared = "reg:squarederror"
    vectors = {"multi_strategy": "multi_output_tree", "rounds": 2, "test_rows": 12, "max_depth": 2}
    sets = {"categories": (1, 4), "rounds": 2, "columns": 5, "max_depth": 3}
    ends = version in ((1, 6), (2, 1), (3, 4))
    if ends:
        case("ubjson", "multi:softprob", num_class=3, rounds=1, binary=True, test_rows=12)
        case("sets", squared, max_cat_to_onehot=1, **sets)
        case("sets-one", "binary:logistic", max_cat_to_onehot=100, **sets)
        case("sets-ubjson", squared, max_cat_to_onehot=1, binary=True, **sets)
    if version in ((1, 4), (1, 7), (2, 1), (3, 4)):
        case("best", "multi:softprob", num_class=2, num_parallel_tree=2, subsample=0.6, max_depth=1, rounds=8, stop=True, test_rows=12)
    if version >= (3, 1):
        texts = TEXTS_NEW if version >= (3, 4) else TEXTS
        case("texts", squared, max_cat_to_onehot=1, texts=texts, test_rows=30, **sets)
    if version in ((3, 1), (3, 4)):
        case("texts-ubjson", "binary:logistic", texts=TEXTS, binary=True, test_rows=30, **sets)
    if (2, 1) <= version:
        case("vectors", squared, labels=three_targets, **vectors)
    if version in ((2, 1), (3, 2), (3, 4)):
        case("vectors-ubjson", "multi:softprob", num_class=3, binary=True, **vectors)
    if version >= (3, 3):
        case("dart", "binary:logistic", booster="dart", rate_drop=0.5, rounds=6)
        case("dart-ubjson", squared, booster="dart", rate_drop=0.5, rounds=3, binary=True, test_rows=12)
        case("vectors-dart", squared, labels=three_targets, booster="dart", rate_drop=0.5, **{**vectors, "rounds": 5})


def random_xgboost(out, rng, count):
    import numpy as np

    version = xgboost_version()
    vector_objectives = ("reg:squarederror", "binary:logistic", "multi:softprob")
    objectives = ["reg:squarederror", "binary:logistic", "multi:softprob", "multi:softmax", "count:poisson", "reg:gamma"]
    objectives += ["reg:tweedie", "binary:hinge", "binary:logitraw", "rank:pairwise", "reg:logistic", "survival:cox"]
    i = 0
    while i < count:
        objective = str(rng.choice(objectives))
        params = {"objective": objective, "max_depth": int(rng.integers(1, 11)), "eta": float(rng.uniform(0.05, 1))}
        params.update(gamma=float(rng.choice([0, 0, 1, 20])), subsample=float(rng.uniform(0.5, 1)), seed=int(rng.integers(1e6)))
        params["tree_method"] = str(rng.choice(["hist", "exact", "approx"]))
        params["min_child_weight"] = float(rng.choice([0, 1, 5]))
        if objective.startswith("multi:"):
            params["num_class"] = int(rng.integers(2, 9))
        kind = rng.random()
        if kind < 0.2:
            params.update(booster="dart", rate_drop=0.4, normalize_type=str(rng.choice(["tree", "forest"])))
        elif kind < 0.35:
            params["num_parallel_tree"] = int(rng.integers(2, 6))
        elif kind < 0.45 and version >= (1, 4):
            params["booster"] = "gblinear"
        elif kind < 0.65:
            params.update(grow_policy="lossguide", max_leaves=int(rng.integers(2, 200)), tree_method="hist")
            params["max_depth"] = 0
        if rng.random() < 0.3 and objective not in ("reg:squarederror", "rank:pairwise"):
            params["base_score"] = round(float(rng.uniform(0.05, 0.95)), 2)  # 1.0 writes six digits
        names = [f"x{i} é" for i in range(100)] if rng.random() < 0.3 else None
        columns = int(rng.integers(1, 60))
        extra = {}
        linear = params.get("booster") == "gblinear"
        if version >= (1, 6) and not linear and rng.random() < 0.4:
            columns = max(columns, 3)
            extra["categories"] = tuple(int(c) for c in rng.choice(columns, size=2, replace=False))
            params["max_cat_to_onehot"] = int(rng.choice([1, 4, 100]))
            params["tree_method"] = str(rng.choice(["hist", "approx"]))
            if version >= (3, 1) and rng.random() < 0.5:
                extra["texts"] = TEXTS_NEW if version >= (3, 4) else TEXTS
                names = None
        elif version >= (2, 1) and not linear and rng.random() < 0.3 and objective in vector_objectives:
            dart = params.get("booster") == "dart"
            params.update(multi_strategy="multi_output_tree", tree_method="hist", booster="gbtree")
            params["subsample"] = 1.0
            if dart and version >= (3, 3):
                params["booster"] = "dart"
            if objective == "reg:squarederror":
                extra["labels"] = three_targets
            elif objective == "binary:logistic":
                extra["labels"] = lambda s: np.stack([s > 0, s > 1], axis=1).astype(float)
        elif not linear and rng.random() < 0.2 and not objective.startswith("rank:") and objective != "survival:cox":
            # In one model of 1.0.2 the trainer answered with all trees in spite of its ntree_limit.
            extra["stop"] = xgboost_version() >= (1, 4)
        if version >= (1, 6):
            extra["binary"] = bool(rng.random() < 0.4)
        i += train_xgboost(out, f"model-{i}", rng, params, int(rng.integers(1, 40)), rows=int(rng.integers(10, 60)) * 20,
                           columns=columns, missing=float(rng.choice([0, 0.05, 0.4])), names=names and names[:columns],
                           test_rows=400, **extra)
