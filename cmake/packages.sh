# The packages the project needs, by group, and how ./dev installs them. Sourced by ./dev.
#
# An entry is a Debian package; package=command also counts as present if the command is there (installed by hand);
# package@ID only applies to that distribution (ID of /etc/os-release). The names are those of Debian 12 and
# Ubuntu 24.04.
declare -A packages=(
  [build]="g++=g++ cmake=cmake ninja-build=ninja ccache=ccache git=git libxtensor-dev libxsimd-dev nlohmann-json3-dev
           libfmt-dev libcli11-dev libcpuinfo-dev zlib1g-dev libssl-dev libcurl4-openssl-dev ca-certificates doctest-dev
           librapidcheck-dev libsimde-dev"
  [test]="python3-venv clang-format-16=clang-format-16 chromium@debian fonts-liberation"  # Ubuntu has Chromium as a snap only
  [data]="dataset-fashion-mnist"
  [dev]="clang-16=clang++-16 clang-format-16=clang-format-16 clang-tidy-16=clang-tidy-16 libclang-rt-16-dev"
  [bench]="libbenchmark-dev libdnnl-dev libopenblas-pthread-dev"
  [coverage]="gcovr=gcovr"
)
declare -A purposes=(
  [build]='compile the program and the tests' [test]='run the whole test-suite'
  [data]='Fashion-MNIST, where MNIST cannot be had' [dev]='format, lint and fuzz' [bench]='micro-benchmarks, and what their products are compared with'
  [coverage]='say which lines the tests reach'
)
groups=(build test data dev bench coverage)

distribution() { sed -n 's/^ID=//p' /etc/os-release 2>/dev/null | tr -d '"'; }

# names GROUP: its entries that apply here, without the @ID
names() {
  local entry
  for entry in ${packages[$1]}; do
    [[ $entry != *@* || ${entry#*@} == "$(distribution)" ]] && echo "${entry%@*}"
  done
  return 0
}

list_groups() {
  local group
  for group in "${groups[@]}"; do
    printf '  %-9s %s:\n           %s\n' "$group" "${purposes[$group]}" "$(names "$group" | sed 's/=.*//' | xargs | fold -s -w 100 | sed '2,$s/^/           /')"
  done
}

# missing GROUP…: the packages that are not here, one a line
missing() {
  local group entry installed
  installed=$(dpkg-query -W -f '${Status} ${Package}\n' 2>/dev/null | sed -n 's/^install ok installed //p') || true
  for group in "$@"; do
    for entry in $(names "$group"); do
      [[ $entry == *=* ]] && command -v "${entry#*=}" >/dev/null && continue
      grep -qx "${entry%%=*}" <<<"$installed" || echo "${entry%%=*}"
    done
  done | sort -u
}

# setup GROUP…: installs what is missing; where it cannot, says what to do and returns 1
setup() {
  local absent sudo=()
  mapfile -t absent < <(missing "$@")
  ((${#absent[@]})) || return 0
  if ! command -v apt-get >/dev/null; then
    say "there is no apt here. Needed (Debian's names): ${absent[*]}"
    say 'take them from your distribution, conda or vcpkg: docs/guide/building.md says how'
    return 1
  fi
  if ((EUID != 0)); then
    sudo=(sudo)
    [[ -t 0 ]] || sudo=(sudo -n)
    if ! command -v sudo >/dev/null || { [[ ! -t 0 ]] && ! sudo -n true 2>/dev/null; }; then
      say 'not root, and no sudo. Have an administrator run:'
      say "  apt-get install --no-install-recommends ${absent[*]}"
      return 1
    fi
  fi
  say "installing with apt: ${absent[*]}"
  apt_quietly "${sudo[@]}" apt-get update
  apt_quietly "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${absent[@]}"
}

apt_quietly() {
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; die "failed: $* (log: $log)"; }
  rm -f "$log"
}

# The verb: with all groups by default, and an error for a group that does not exist.
setup_verb() {
  local group
  for group in "$@"; do
    [[ -n ${packages[$group]:-} ]] || die "there is no group \"$group\"; the groups are ${groups[*]}"
  done
  setup "${@:-${groups[@]}}"
}
