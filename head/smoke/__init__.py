"""The smoke run: all of HEAD in minutes, on a CPU, from nothing."""
