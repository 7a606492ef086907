#!/usr/bin/env python3
"""Makes the models of this folder again, each by the trainer and version in its name.

    tests/data/models/make.py [NAME…]      e.g. xgboost-3.2.0

The trainers are installed into build/trainers (some hundred MB). Seeds are fixed: with the same versions the files come
out the same, but for what the trainers themselves leave open.
"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import trainers  # noqa: E402


def main():
    folder = Path(__file__).resolve().parent
    for name in sys.argv[1:] or trainers.ENVIRONMENTS:
        print(name, flush=True)
        trainers.run(name, "small", folder)


if __name__ == "__main__":
    main()
