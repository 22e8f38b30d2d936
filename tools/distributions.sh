#!/usr/bin/env bash
# Build the source archive and the wheel into dist/, and check both.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist
python -m build
python -m twine check --strict dist/*
python -m check_wheel_contents dist/*.whl
size=$(stat -c %s dist/*.whl 2>/dev/null || stat -f %z dist/*.whl)
limit=$((60 * 1000 * 1000))
if [ "$size" -gt "$limit" ]; then
  echo "The wheel has $size bytes, more than $limit." >&2
  exit 1
fi
echo "The wheel has $size bytes."
