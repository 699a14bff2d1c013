"""The calcium models as plain functions of numbers, in umolar and s, for the theory of their dynamics (no Brian2 run).

Three models share the calcium of Li & Rinzel (J Theor Biol 166:461, 1994) and differ in IP3: it is held fixed
(li-rinzel), made at a constant rate (chi) or made by receptors in constant glutamate (g-chi, De Pitta et al., J Biol
Phys 35:383, 2009). What is held fixed is the drive.

Their equilibria are closed forms of the calcium C at equilibrium. There h = Q_2/(Q_2 + C), and the balance of release,
leak and pump gives the share of channels that IP3 opens times h, which rises steadily with I,
I/(I + d_1) h = d_2 I/((d_2 + C) I + d_1 d_2 + d_3 C). Solved for I this is the drive of li-rinzel; the balance of IP3
then gives its production, and the receptors the glutamate that makes as much.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from brian2 import get_dimensions
from numpy.typing import NDArray
from scipy.optimize import brentq

from biophys.astrocyte import AstrocyteParameters
from biophys.calcium.receptors import DE_PITTA_RECEPTORS, FastReceptorParameters

BELOW_ZERO = 1e-6  # share of the pump's flux by which curves go on below no IP3, so that rest without it is inside


class Model(NamedTuple):
    """A system of rate equations with one drive.

    rates: time derivatives (1/s, umolar/s) of the states, calcium first, at a drive; numbers or arrays, also complex.
    balance: states and drive of the equilibrium with a given calcium, NaN where there is none.
    least_calcium, largest_calcium: equilibria lie between these; without IP3 calcium is least.
    """

    name: str
    states: tuple[str, ...]
    drive: str
    drive_units: str
    drive_meaning: str
    rates: Callable[[Any, Any], list[Any]]
    balance: Callable[[Any], tuple[list[Any], Any]]
    least_calcium: float
    largest_calcium: float


def right_hand_side(model: Model, drive: float) -> Callable[[float, NDArray], NDArray]:
    """f(t, y) of the model at a constant drive, as `scipy.integrate.solve_ivp` takes it."""
    # plain numbers are three times faster than elements of an array
    return lambda t, y: np.array(model.rates(np.asarray(y).tolist(), drive))


def li_rinzel(cell: AstrocyteParameters) -> Model:
    """Calcium and channels at fixed IP3 (umolar)."""
    p = plain(cell)
    largest = p.C_T / (1 + p.rho_A)
    return Model(
        name="li-rinzel",
        states=("C", "h"),
        drive="I",
        drive_units="umolar",
        drive_meaning="IP3 in the astrocyte",
        rates=lambda y, ip3: _calcium(p, y[0], y[1], ip3),
        balance=lambda calcium: _balance(p, calcium),
        least_calcium=brentq(lambda calcium: _calcium(p, calcium, 0, 0)[0], 0, largest, xtol=1e-15),
        largest_calcium=largest,
    )


def chi(cell: AstrocyteParameters) -> Model:
    """Calcium, channels and IP3 at a constant production of IP3 (umolar/s)."""
    p = plain(cell)

    def balance(calcium: Any) -> tuple[list[Any], Any]:
        (_, h), ip3 = _balance(p, calcium)
        return [calcium, h, ip3], -_turnover(p, calcium, ip3)

    return li_rinzel(cell)._replace(
        name="chi",
        states=("C", "h", "I"),
        drive="J_beta",
        drive_units="umolar/s",
        drive_meaning="production of IP3",
        rates=lambda y, production: [*_calcium(p, y[0], y[1], y[2]), production + _turnover(p, y[0], y[2])],
        balance=balance,
    )


def g_chi(cell: AstrocyteParameters, receptors: FastReceptorParameters = DE_PITTA_RECEPTORS) -> Model:
    """Calcium, channels and IP3 in constant glutamate (umolar)."""
    p, r, made = plain(cell), plain(receptors), chi(cell)

    def half(calcium: Any) -> Any:
        return r.K_R + r.K_p * calcium / (calcium + r.K_pi)

    def rates(y: Any, glutamate: Any) -> list[Any]:
        # goes on oddly below no glutamate, as its inverse does
        occupation = np.sign(glutamate) * (abs(glutamate) / half(y[0])) ** 0.7
        return made.rates(y, p.O_beta * occupation / (1 + occupation))

    def balance(calcium: Any) -> tuple[list[Any], Any]:
        states, production = made.balance(calcium)
        occupation = production / np.where(production < p.O_beta, p.O_beta - production, np.nan)
        return states, half(calcium) * np.sign(occupation) * np.abs(occupation) ** (1 / 0.7)

    return made._replace(
        name="g-chi",
        drive="Y_S",
        drive_units="umolar",
        drive_meaning="glutamate at the receptors",
        rates=rates,
        balance=balance,
    )


MODELS: dict[str, Callable[[AstrocyteParameters], Model]] = {"li-rinzel": li_rinzel, "chi": chi, "g-chi": g_chi}


def plain(parameters: Any) -> Any:
    """The same NamedTuple with numbers in umolar and s; Brian2 counts concentrations in mol/m**3."""
    return parameters._make(
        float(float(value) * 1e3 ** get_dimensions(value).get_dimension("mole")) for value in parameters
    )


def _calcium(p: Any, calcium: Any, h: Any, ip3: Any) -> list[Any]:
    opened = ip3 / (ip3 + p.d_1) * calcium / (calcium + p.d_5) * h
    released = (p.Omega_C * opened**3 + p.Omega_L) * (p.C_T - (1 + p.rho_A) * calcium)
    inactivating = p.d_2 * (ip3 + p.d_1) / (ip3 + p.d_3)  # Q_2
    return [
        released - p.O_P * calcium**2 / (calcium**2 + p.K_P**2),
        p.O_2 * (inactivating - (inactivating + calcium) * h),
    ]


def _turnover(p: Any, calcium: Any, ip3: Any) -> Any:
    made = p.O_delta / (1 + ip3 / p.kappa_delta) * calcium**2 / (calcium**2 + p.K_delta**2)
    broken = p.O_3K * calcium**4 / (calcium**4 + p.K_D**4) * ip3 / (ip3 + p.K_3K)
    return made - broken - p.Omega_5P * ip3


def _balance(p: Any, calcium: Any) -> tuple[list[Any], Any]:
    """States and IP3 of the equilibrium of the calcium equations with this calcium."""
    pumped = p.O_P * calcium**2 / (calcium**2 + p.K_P**2) / (p.C_T - (1 + p.rho_A) * calcium)
    released = np.where(pumped - p.Omega_L > -BELOW_ZERO * pumped, pumped - p.Omega_L, np.nan)
    share = np.cbrt(released / p.Omega_C) * (calcium + p.d_5) / calcium
    free = p.d_2 - share * (p.d_2 + calcium)  # no IP3 opens as many channels where this is not above 0
    ip3 = share * (p.d_1 * p.d_2 + p.d_3 * calcium) / np.where(free > 0, free, np.nan)
    inactivating = p.d_2 * (ip3 + p.d_1) / (ip3 + p.d_3)
    return [calcium, inactivating / (inactivating + calcium)], ip3
