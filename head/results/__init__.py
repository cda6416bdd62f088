"""Results made earlier, read: logs, verdicts, metrics, detections. Light: no torch."""
