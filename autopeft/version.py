"""The version of the package, known without an installation."""

__all__ = ["__version__"]

__version__ = "0.1.0"
