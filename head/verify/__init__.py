"""Results made earlier against what is reported. Light: no torch."""
