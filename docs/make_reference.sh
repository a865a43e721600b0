#!/usr/bin/env bash
# usage: make_reference.sh TEMPERA FOLDER: writes the reference pages that the program itself can tell, config.md and cli.md.
set -euo pipefail
tempera=$1 folder=$2

# The verbs below a verb, as its help lists them; none for most.
verbs_of() { "$tempera" "$@" --help | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z]*\) .*/\1/p'; }

help_page() {
  printf '\n%s `tempera%s`\n\n```\n' "$1" "${2:+ $2}"
  # shellcheck disable=SC2086  # a verb below a verb is two words
  "$tempera" ${2:-} --help
  printf '```\n'
}

cli_page() {
  printf '# Command line\n\nMade by `./dev docs` from the `--help` of every verb.\n'
  help_page '##' ''
  local verb sub
  for verb in $(verbs_of); do
    help_page '##' "$verb"
    for sub in $(verbs_of "$verb"); do help_page '###' "$verb $sub"; done
  done
}

mkdir -p "$folder"
"$tempera" explain --markdown >"$folder/config.md"
cli_page >"$folder/cli.md"
