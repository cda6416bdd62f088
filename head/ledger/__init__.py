"""The ledger: verdicts that people send in, a folder each below `results/`, judged anew whenever they are read."""
