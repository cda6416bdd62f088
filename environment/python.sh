# What Python must not be told from outside: other packages than the locked ones, or to leave assertions out. Sourced by
# environment/shell.sh and docker/entrypoint.
# shellcheck shell=bash

for variable in "${!PYTHON@}"; do
    case $variable in
        PYTHONDONTWRITEBYTECODE | PYTHONPYCACHEPREFIX | PYTHONUNBUFFERED | PYTHONFAULTHANDLER) ;; # change nothing
        *) unset "$variable" ;;
    esac
done
export PYTHONNOUSERSITE=1
