"""Many processes and machines. Light where a command starts: `worker` and `worker_report` need no torch."""
