"""Make neuromod/data/digits.npz from scikit-learn's copy of the UCI handwritten digits (test part).

pip download --no-deps scikit-learn==1.9.1
unzip -j scikit_learn-*.whl sklearn/datasets/data/digits.csv.gz
python tests/data/generate_digits.py digits.csv.gz neuromod/data/digits.npz

Each line of the CSV holds 64 pixel values 0..16, row by row from the top left, and the digit. Order and
values are kept; only the container changes (uint8, compressed).
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

SOURCE_SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"


def main(source: str, target: str) -> None:
    packed = Path(source).read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{source}: must have SHA-256 {SOURCE_SHA256}; got {digest}")
    table = np.loadtxt(gzip.decompress(packed).decode("ascii").splitlines(), delimiter=",")
    if table.shape != (1797, 65) or table[:, :64].min() < 0 or table[:, :64].max() > 16:
        sys.exit(f"{source}: must be 1797 rows of 64 values 0..16 and a label; got {table.shape}")
    values = table.astype(np.uint8)
    np.savez_compressed(target, images=values[:, :64].reshape(-1, 8, 8), labels=values[:, 64])


if __name__ == "__main__":
    main(*sys.argv[1:])
