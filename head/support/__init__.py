"""Small helpers that know nothing of detection. Light: no torch, but for `torch_versions`."""
