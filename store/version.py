"""The version of the program, importable without importing anything else."""

__version__ = "0.2.0"
