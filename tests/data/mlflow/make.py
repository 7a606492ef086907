#!/usr/bin/env python3
"""Made the folders beside it: needs mlflow-skinny 3.17, xgboost 3.2, lightgbm 4.7, pandas. Run in this folder."""

import lightgbm
import mlflow.lightgbm
import mlflow.xgboost
import numpy
import pandas
import xgboost

random = numpy.random.default_rng(3)
rows = pandas.DataFrame(random.normal(size=(200, 3)).round(3), columns=["amount", "age", "hour"])
target = (rows.amount + rows.age > 0).astype(int)
rows.iloc[3, 1] = numpy.nan
classifier = xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(rows, target)
signature = mlflow.models.infer_signature(rows, classifier.predict_proba(rows))
mlflow.xgboost.save_model(classifier, "xgboost", input_example=rows.head(5), signature=signature)
options = {"objective": "binary", "verbose": -1, "num_leaves": 4}
booster = lightgbm.train(options, lightgbm.Dataset(rows, target), 3)
mlflow.lightgbm.save_model(booster, "lightgbm", input_example=rows.head(5))
