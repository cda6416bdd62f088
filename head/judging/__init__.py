"""From numbers to verdicts: one, several seeds, results made elsewhere. Light: no torch."""
