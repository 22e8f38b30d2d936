#!/usr/bin/env bash
# Make what the project's commands need: system libraries of Qt and GL, and tox in .bootstrap.
# It changes nothing when all is there, and takes a fraction of a second then.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'bootstrap: %s\n' "$*" >&2; }

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
        if [ -n "$candidate" ] && "$candidate" -c \
            'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    say "Expected Python 3.11 or later, found none. Install it, or say where it is: PYTHON=path."
    return 1
}

# The Debian packages behind what is missing; libraries are looked for by their own names, so
# that other sources of them count too.
missing_packages() {
    local known package library
    known=$(ldconfig -p 2>/dev/null || /sbin/ldconfig -p)
    while read -r package library; do
        case $known in
            *"$library "*) ;;
            *) printf '%s\n' "$package" ;;
        esac
    done <<'LIBRARIES'
libgl1 libGL.so.1
libegl1 libEGL.so.1
libopengl0 libOpenGL.so.0
libglx-mesa0 libGLX_mesa.so.0
libglib2.0-0 libglib-2.0.so.0
libfontconfig1 libfontconfig.so.1
libdbus-1-3 libdbus-1.so.3
libxkbcommon-x11-0 libxkbcommon-x11.so.0
libxcb-cursor0 libxcb-cursor.so.0
libxcb-icccm4 libxcb-icccm.so.4
libxcb-image0 libxcb-image.so.0
libxcb-keysyms1 libxcb-keysyms.so.1
libxcb-randr0 libxcb-randr.so.0
libxcb-render-util0 libxcb-render-util.so.0
libxcb-shape0 libxcb-shape.so.0
libxcb-xinerama0 libxcb-xinerama.so.0
libxcb-xkb1 libxcb-xkb.so.1
LIBRARIES
    # Mesa's software renderer has no name of its own in every version.
    compgen -G '/usr/lib*/*/dri/*_dri.so' >/dev/null ||
        compgen -G '/usr/lib*/dri/*_dri.so' >/dev/null || printf 'libgl1-mesa-dri\n'
    command -v Xvfb >/dev/null || printf 'xvfb\n'
    command -v make >/dev/null || printf 'make\n'
    "$1" -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv\n'
}

install_system_packages() {
    local packages
    [ "$(uname -s)" = Linux ] || return 0
    packages=$(missing_packages "$1" | tr '\n' ' ')
    [ -n "$packages" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "These are missing; install what your system calls them: $packages"
        return 1
    fi
    local install="apt-get install --yes --no-install-recommends $packages"
    if [ "$(id -u)" -ne 0 ]; then
        say "System packages are missing. Run this, then try again:"
        printf '\n    sudo %s\n\n' "$install" >&2
        return 1
    fi
    say "installing $packages"
    apt-get update -qq
    # shellcheck disable=SC2086  # one word a package
    DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
}

install_tox() {
    # A folder whose Python is gone counts as absent.
    if .bootstrap/bin/python -c 'import tox' 2>/dev/null; then
        return 0
    fi
    say "making .bootstrap with tox ($("$1" --version))"
    rm -rf .bootstrap
    "$1" -m venv .bootstrap
    .bootstrap/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.22'
}

python=$(find_python)
install_system_packages "$python"
install_tox "$python"
