# What make.sh and shell.sh have in common. Sourced.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

give_up() { # exit status, message
    say "head: $2"
    exit "$1"
}

# A setting of stack-STACK.env.
setting() { # stack, name
    sed -n "s/^$2=//p" "$(dirname "${BASH_SOURCE[0]}")/stack-$1.env"
}
