"""From a fitted model to a folder that `leat model add` takes.

    import leat
    leat.save(model, X_sample, "export/", trained_at="2026-03-01T12:00:00Z", metrics={"auc": 0.91})

and then `leat model add NAME export/`. The folder has the model in its trainer's own text format, rows with the scores
that the trainer gives them (leat refuses a version that scores them otherwise), and what the file does not say.

No dependencies: a trainer's package is imported only when a model of it is given.
"""

from ._save import save

__all__ = ["save"]
__version__ = "0.1.0"
