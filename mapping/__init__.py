"""The bridge: steady states measured in biophys become pure numbers of astromorph's attention."""

from mapping.calcium_response import ResponseFit, fit_calcium_response
from mapping.coefficients import (
    Coefficients,
    coefficients_from_fit,
    read_coefficients,
    response_settings,
    write_coefficients,
)

__all__ = [
    "Coefficients",
    "ResponseFit",
    "coefficients_from_fit",
    "fit_calcium_response",
    "read_coefficients",
    "response_settings",
    "write_coefficients",
]
