"""What must not be let in: signs, units, times and seeds that make no sense, for every parameter of every network."""

import numpy as np
import pytest
from brian2 import Hz, NeuronGroup, Quantity, mV, second, umolar
from hypothesis import given, settings
from hypothesis import strategies as st

import biophys
from biophys.ready_networks import NETWORKS, ready
from biophys.simulation.network import Point, ReadyNetwork, Recordable, check_values, check_whole, merged, simulate
from biophys.simulation.parameters import ABOVE_ZERO, ANY, NOT_NEGATIVE, SHARE, ranges, section
from biophys.simulation.quantities import read_quantity

# of either sign: potentials, currents, gains and offsets
SIGNED = set("E_l V_r I_ex E_e E_i E_L V_0 V_spike pulse pulse_start pulse_end I_S K_AG A_plus A_minus".split())
SIGNED |= set("lag spacing theta_step psi_0 T_0 kappa_0 x p_e p_i".split())
PARAMETERS = [
    (name, f"{part}.{field}")
    for name in NETWORKS
    for part, fields in ready(name).sections.items()
    for field, parameter in fields.items()
    if not isinstance(parameter.value, int)
]


def checked(name, values):
    network = ready(name)
    check_values(network, merged(network.sections, [Point(values)]), network.step)


@pytest.mark.parametrize("name", NETWORKS)
def test_defaults_pass_and_every_parameter_has_a_range(name):
    checked(name, {})
    network = ready(name)
    check_whole(network.seconds, network.step)
    for fields in network.sections.values():
        for field, parameter in fields.items():
            elsewhere = field in ("V_th", "I_0", "active")  # potential or height above rest; current or concentration
            assert elsewhere or (parameter.range is ANY) == (field in SIGNED), field


@settings(max_examples=150, deadline=None)
@given(place=st.sampled_from(PARAMETERS), size=st.floats(1e-6, 1e6))
def test_what_must_not_be_negative_is_refused(place, size):
    name, path = place
    part, field = path.split(".")
    parameter = ready(name).sections[part][field]
    value = parameter.value
    wrong = -size if not isinstance(value, Quantity) else Quantity(-size * 1e-6, dim=value.dim)
    if parameter.range is ANY:
        return
    with pytest.raises(ValueError, match=path.replace(".", r"\.") + "=-"):
        checked(name, {path: wrong})
    if parameter.range is ABOVE_ZERO:
        with pytest.raises(ValueError, match=r"=0 ?\S* is not above 0; use more"):
            checked(name, {path: 0 * abs(wrong)})
    if parameter.range is SHARE:
        with pytest.raises(ValueError, match="is no share; use one from 0 to 1"):
            checked(name, {path: 1.0 + size})


@settings(max_examples=60, deadline=None)
@given(place=st.sampled_from(PARAMETERS), several=st.booleans())
def test_values_in_a_wrong_unit_are_refused_from_python_too(place, several):
    name, path = place
    part, field = path.split(".")
    value = ready(name).sections[part][field].value
    wrong = 3 * mV * Hz if isinstance(value, Quantity) else 3 * mV
    points = [Point({path: wrong}), *([Point({})] if several else [])]
    with pytest.raises(ValueError, match=r"has the wrong unit; write it in|has a unit, but"):
        merged(ready(name).sections, points)
    if isinstance(value, Quantity) and not value.is_dimensionless:
        with pytest.raises(ValueError, match="has no unit; write it in"):
            merged(ready(name).sections, [Point({path: 0.4}), Point({path: value})])


def test_millivolts_are_no_concentration():
    for points in ([Point({"stimulus.I": 400 * mV})], [Point({"stimulus.I": each * mV}) for each in (400, 500)]):
        with pytest.raises(ValueError, match="stimulus.I=.* has the wrong unit; write it in umolar"):
            simulate(ready("li-rinzel"), points, seconds=1.0, target="numpy")
    text = simulate("li-rinzel", [Point({"stimulus.I": "0.4*umolar"})], seconds=1.0, target="numpy")
    assert text.attrs["stimulus.I"] == "0.4 umolar"


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tripartite", {"synapse.Omega_c": 0 / second}),
        ("tripartite", {"gliotransmission.Omega_e": 0 / second}),
        ("tripartite", {"astrocyte.K_P": 0 * umolar}),
        ("spiking-network", {"neuron.C_m": "0*pF"}),
        ("spiking-network", {"neuron.tau_e": "0*ms"}),
        ("li-rinzel", {"astrocyte.C_T": 0 * umolar}),
    ],
)
def test_zeros_that_are_divided_by_are_refused(name, values):
    with pytest.raises(ValueError, match="is not above 0; use more"):
        checked(name, values)


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("delay-learning", {"stimulus.learn_until": 1 * second}, "learn_until lies before stimulus.learn_from"),
        ("neuron-glia-network", {"stimulus.pulse_end": 1 * second}, "pulse_end lies before stimulus.pulse_start"),
    ],
)
def test_swapped_bounds_are_refused(name, values, sentence):
    with pytest.raises(ValueError, match=sentence):
        checked(name, values)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"seconds": 0.025, "step": 0.01, "every": 0.01},
            "seconds 0.025 s is no multiple of the step 0.01 s; use 0.02",
        ),
        ({"seconds": 1e-9}, "1e-09 seconds hold no step of 0.01 s; simulate at least 0.01"),
        ({"seconds": 1e18}, "1e\\+18 seconds are 1e\\+20 steps of 0.01 s, more than can be counted"),
        ({"seconds": 1e300}, "more than can be counted"),
        ({"seconds": True}, "seconds True is no plain number"),
        ({"seed": 10**30}, "seed 10{30} is no seed; use a whole number from 0 to 9223372036854775807"),
        ({"seed": -1}, "seed -1 is no seed"),
        ({"seed": 1.5}, "seed 1.5 is no seed"),
    ],
)
def test_times_and_seeds_out_of_range_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        biophys.simulate("li-rinzel", target="numpy", **options)
    if "seed" in options:
        options = {"seeds": [options["seed"]]}
    with pytest.raises(ValueError, match=sentence):
        biophys.sweep("li-rinzel", {"stimulus.I": "0.4*umolar"}, target="numpy", **options)


def test_a_dataset_says_how_long_was_simulated():
    run = simulate("li-rinzel", [Point({})], seconds=0.025, step=0.01, every=0.01, target="numpy")
    assert run.sizes["time"] == 3 and run.seconds == 0.03


def test_a_state_that_nobody_records_must_stay_a_number():
    def build(copies):
        from brian2 import Network

        model = "dx/dt = x**2/second : 1\ny : 1"
        group = NeuronGroup(1, model, threshold="y > 1", method="rk4", clock=copies.clock, name="cell")
        group.x = 1
        return Network(group)

    network = ReadyNetwork(
        "own", {}, {"spikes": Recordable("cell", "spikes", "s", ""), "state": Recordable("cell", "x", "1", "")},
        ("spikes",), build, 3.0, 0.1, 0.1,
    )  # fmt: skip
    with (
        pytest.raises(ValueError, match="state is not a number at the end; use a step below 0.1 s"),
        np.errstate(all="ignore"),
    ):
        simulate(network, [Point({})], target="numpy")


def test_ranges_name_parameters_that_are_there():
    with pytest.raises(TypeError, match="Mine has no parameter tau"):
        ranges(above_zero="tau")(type("Mine", (tuple,), {"_fields": ("k",)}))


def test_parameters_typed_at_a_prompt_have_no_meaning_but_work():
    typed = {}
    exec(
        "from typing import NamedTuple\nfrom brian2 import Hz, Quantity\n"
        "class Mine(NamedTuple):\n    k: Quantity = 0.05 * Hz  # my rate\n",
        typed,
    )
    made = section(typed["Mine"]())
    assert made["k"].meaning == "" and made["k"].value == 0.05 * Hz and made["k"].range is ANY
    assert NOT_NEGATIVE.holds(0) and not NOT_NEGATIVE.holds(-1)


@pytest.mark.parametrize(
    "text", ["(-1)**0.5*umolar/second", "second**second", "-" * 3000 + "1", "*".join(["1"] * 5000)]
)
def test_what_spells_no_quantity_is_refused_in_a_short_sentence(text):
    with pytest.raises(ValueError, match="is no quantity; write a number with a unit") as refused:
        read_quantity(text, 1 * umolar / second, "astrocyte.O_P")
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("astrocyte-network", {"topology.columns": 1, "stimulus.cell": 0}),
        ("astrocyte-network", {"topology.columns": 1, "stimulus.cell": 0, "topology.periodic": 0}),
        ("astrocyte-process", {"shape.compartments": 1}),
    ],
)
def test_a_single_cell_runs_uncoupled(name, values):
    assert np.isfinite(biophys.simulate(name, values, seconds=0.2, target="numpy").calcium).all()


def test_help_shows_no_more_digits_than_a_reader_needs():
    assert "0.00833333 1/second" in str(ready("tripartite"))
