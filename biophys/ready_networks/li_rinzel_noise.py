"""Calcium of one astrocyte with noisy IP3 receptor channels at a fixed IP3 concentration.

The network li-rinzel with the channel noise of Stimberg et al. (2018). Below the IP3 at which the noiseless cell begins
to oscillate, noise alone sets off calcium events at random times; above, it makes their intervals irregular.
"""

from brian2 import Network

from biophys.calcium.channel_noise import NOISY_CALCIUM, ChannelNoiseParameters, noisy_astrocytes
from biophys.ready_networks.li_rinzel import NETWORK as NOISELESS
from biophys.ready_networks.li_rinzel import alone
from biophys.simulation.copies import Copies
from biophys.simulation.parameters import section


def build(copies: Copies) -> Network:
    sections = ["astrocyte", "channels", "stimulus"]
    return alone(copies, noisy_astrocytes(copies, 1, NOISY_CALCIUM, sections, name="astrocyte"))


NETWORK = NOISELESS._replace(
    name="li-rinzel-noise",
    sections={**NOISELESS.sections, "channels": section(ChannelNoiseParameters())},
    build=build,
)
