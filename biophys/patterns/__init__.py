"""Sparse patterns on a dendritic segment: exact theory (`theory.py`), drawn and counted (`sampling.py`), scaling laws.

The functions of the theory are offered here, and load without Brian2.
"""

from biophys.patterns import theory
from biophys.patterns.theory import *  # noqa: F403 - the names are listed there

__all__ = theory.__all__
