# What the processor needs to be told. Sourced by environment/shell.sh and docker/entrypoint.
# shellcheck shell=bash

# MKL 2020, inside torch 1.9, takes AMD processors for ones without AVX2: a quarter of the speed
if grep -qm1 AuthenticAMD /proc/cpuinfo && grep -qm1 -w avx2 /proc/cpuinfo; then export MKL_DEBUG_CPU_TYPE=5; fi
