#!/usr/bin/env bash
# Build the wheel, install it in an environment of its own, without extras, and use it as a newcomer would; then with the gallery.
set -euo pipefail
cd "$(dirname "$0")/.."
aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT
echo "1/4 building the wheel"
"${PYTHON:-python3}" -m venv "$aside/build"
"$aside/build/bin/python" -m pip install --quiet build
"$aside/build/bin/python" -m build --wheel --outdir "$aside/wheels" .
wheel=$(ls "$aside"/wheels/*.whl)
size=$(stat -c %s "$wheel")
echo "    $(basename "$wheel"): $((size / 1000000)) MB"
[ "$size" -lt 100000000 ] || { echo "more than the 100 MB that PyPI takes"; exit 1; }
echo "2/4 installing it without extras (PyTorch takes minutes)"
"${PYTHON:-python3}" -m venv "$aside/env"
"$aside/env/bin/python" -m pip install "$wheel"
cd "$aside" # where no checkout lies about
potmeter="$aside/env/bin/potmeter"
echo "3/4 using it"
"$potmeter" list
"$potmeter" show vae
"$potmeter" run vae --count 9 --seed 1 --out new.png
"$potmeter" run gpt2 "It was" --tokens 8 --seed 1
"$potmeter" train blackbox --preset tiny --steps 20 --out run
"$potmeter" eval blackbox --weights run --json
"$potmeter" eject vae mine
"$potmeter" run ./mine --count 4 --seed 1 --out mine.png
if "$potmeter" gallery 2> told.txt; then echo "the gallery ran without its extra"; exit 1; fi
grep -q "gallery" told.txt && [ "$(wc -l < told.txt)" = 1 ] || { cat told.txt; exit 1; }
echo "4/4 with the extra for the gallery"
"$aside/env/bin/python" -m pip install --quiet "$wheel[gallery]"
"$potmeter" gallery --space space
ls space
echo "the wheel works"
