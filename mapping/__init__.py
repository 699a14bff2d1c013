"""The bridge: steady states measured in biophys become pure numbers of astromorph's attention."""

from mapping.calcium_response import ResponseFit, fit_calcium_response
from mapping.coefficients import (
    Coefficients,
    coefficients_from_fit,
    kernel_length,
    merged,
    read_coefficients,
    response_settings,
    retention_factor,
    retention_ratio,
    write_coefficients,
)
from mapping.process_kernel import KernelFit, fit_process_kernel
from mapping.release_response import ReleaseFit, fit_release
from mapping.retention import RetentionFit, fit_retention

__all__ = [
    "Coefficients",
    "KernelFit",
    "ReleaseFit",
    "ResponseFit",
    "RetentionFit",
    "coefficients_from_fit",
    "fit_calcium_response",
    "fit_process_kernel",
    "fit_release",
    "fit_retention",
    "kernel_length",
    "merged",
    "read_coefficients",
    "response_settings",
    "retention_factor",
    "retention_ratio",
    "write_coefficients",
]
