"""Many processes and machines. Light where a command starts: `worker_report` needs no torch."""
