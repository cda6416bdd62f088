"""The commands, one a file: a request in, an exit status out."""
