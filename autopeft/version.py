"""The version of the package, also where it is not installed."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("autopeft")
except PackageNotFoundError:
    # A checkout that Python finds on its path.
    __version__ = "0+unknown"
